// SPDX-License-Identifier: Apache-2.0
import JobModel

/// Limits on huge pages, one file per page size.
enum HugepageController {
    static func apply(_ limits: [ByteCount: ByteCount], to directory: CgroupDirectory) throws(CgroupError) {
        for (page, limit) in limits {
            let suffix = directory.version == .v2 ? "max" : "limit_in_bytes"
            let name = "hugetlb.\(sizeName(page)).\(suffix)"
            guard directory.has(name) else {
                throw CgroupError(
                    "limit huge pages of", page.description,
                    remedy: "this machine has no such page size: ls /sys/kernel/mm/hugepages")
            }
            try directory.write("\(limit.bytes)", to: name)
            // Reservations (5.7) are limited apart: mapped and untouched pages are taken from the machine's pool as well.
            let reserved = "hugetlb.\(sizeName(page)).rsvd.\(suffix)"
            if directory.has(reserved) { try directory.write("\(limit.bytes)", to: reserved) }
        }
    }

    static func readBack(
        _ directory: CgroupDirectory, of limits: [ByteCount: ByteCount], into effective: inout EffectiveLimits
    ) {
        for page in limits.keys {
            let suffix = directory.version == .v2 ? "max" : "limit_in_bytes"
            effective.hugepages[page.bytes] = directory.readInt("hugetlb.\(sizeName(page)).\(suffix)")
        }
    }

    /// The kernel writes 2MB and 1GB for powers of 1024.
    static func sizeName(_ page: ByteCount) -> String {
        if page.bytes >= 1 << 30 { return "\(page.bytes >> 30)GB" }
        return page.bytes >= 1 << 20 ? "\(page.bytes >> 20)MB" : "\(page.bytes >> 10)KB"
    }
}
