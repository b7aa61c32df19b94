// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// Throughput limits and traffic of block devices.
package enum IOController {
    /// The limit in bytes per second for writes to the disk that `path` lies on. If no disk can be told, as for tmpfs or a
    /// btrfs of several, the least of all write limits.
    package static func writeLimit(_ limits: [DeviceIOLimit], at path: String) -> Int? {
        let writes = limits.filter { $0.writeBytesPerSecond != nil }
        guard !writes.isEmpty else { return nil }
        let disk = try? number(of: path)
        return writes.filter { limit in disk == nil || (try? number(of: limit.device)) == disk }
            .compactMap(\.writeBytesPerSecond).min()
    }

    static func apply(_ limits: [DeviceIOLimit], to directory: CgroupDirectory) throws(CgroupError) {
        for limit in limits {
            let device = try number(of: limit.device)
            let values: [(v2: String, v1: String, value: Int?)] = [
                ("rbps", "read_bps_device", limit.readBytesPerSecond),
                ("wbps", "write_bps_device", limit.writeBytesPerSecond),
                ("riops", "read_iops_device", limit.readOperationsPerSecond),
                ("wiops", "write_iops_device", limit.writeOperationsPerSecond),
            ]
            switch directory.version {
            case .v2:
                let text = values.compactMap { row in row.value.map { "\(row.v2)=\($0)" } }.joined(separator: " ")
                try directory.write("\(device) \(text)", to: "io.max")
            case .v1:
                for row in values {
                    if let value = row.value {
                        try directory.write("\(device) \(value)", to: "blkio.throttle.\(row.v1)")
                    }
                }
            }
        }
    }

    /// The limits as the kernel holds them, one line per disk in the format of v2's `io.max`.
    static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits) {
        switch directory.version {
        case .v2: limits.io = (directory.read("io.max") ?? "").split(separator: "\n").map(String.init)
        case .v1:
            var disks: [String: [String]] = [:]
            for (key, file) in [
                ("rbps", "read_bps_device"), ("wbps", "write_bps_device"), ("riops", "read_iops_device"),
                ("wiops", "write_iops_device"),
            ] {
                for line in (directory.read("blkio.throttle.\(file)") ?? "").split(separator: "\n") {
                    let words = line.split(separator: " ")
                    if words.count == 2 { disks[String(words[0]), default: []].append("\(key)=\(words[1])") }
                }
            }
            limits.io = disks.sorted { $0.key < $1.key }.map { ([$0.key] + $0.value).joined(separator: " ") }
        }
    }

    static func usage(of directory: CgroupDirectory?, into reading: inout UsageReading) {
        var bytes: IOTotals?
        var operations: IOTotals?
        var (noBytes, noOperations) = ("no io.stat", "no io.stat")
        switch directory?.version {
        case .v2:
            bytes = directory?.read("io.stat").map { IOTraffic(v2: $0).total(DeviceStack.find) }
            operations = bytes
        case .v1:
            let names = ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"]
            let (first, second) = (directory?.read(names[0]), directory?.read(names[1]))
            // Once for both: each device is looked up in sysfs.
            let total = IOTraffic(v1Bytes: first ?? "", v1Operations: second ?? "").total(DeviceStack.find)
            if first != nil { bytes = total }
            if second != nil { operations = total }
            (noBytes, noOperations) = ("no \(names[0])", "no \(names[1])")
            if !countsAll {
                let reason = "before Linux 6.5 cgroup v1 counts only disks that have a limit"
                if total == IOTotals() {
                    (bytes, operations, noBytes, noOperations) = (nil, nil, reason, reason)
                } else {
                    for key in keys { reading.partial[key] = reason }
                }
            }
        case nil:
            noBytes = "the io controller is not available here"
            noOperations = noBytes
        }
        reading.set("io_read_bytes", \.ioReadBytes, bytes?.readBytes, otherwise: noBytes)
        reading.set("io_write_bytes", \.ioWriteBytes, bytes?.writeBytes, otherwise: noBytes)
        reading.set("io_read_operations", \.ioReadOperations, operations?.readOperations, otherwise: noOperations)
        reading.set("io_write_operations", \.ioWriteOperations, operations?.writeOperations, otherwise: noOperations)
    }

    private static let keys = ["io_read_bytes", "io_write_bytes", "io_read_operations", "io_write_operations"]

    /// Whether v1 counts what no limit slows down. Its statistics are of blk-throttle, which looked at such requests anew
    /// since commit ad7c3b41e86b.
    private static let countsAll = KernelVersion(release: Host.kernelRelease) >= KernelVersion(6, 5)

    /// `MAJOR:MINOR` of a whole disk: the kernel limits disks, not partitions, so a partition becomes its disk and a
    /// file or directory the disk it lies on.
    static func number(of device: String) throws(CgroupError) -> String {
        let number: String
        if let given = DeviceNumber(text: device) {
            number = given.description
        } else {
            let status: stat
            do throws(Errno) { status = try Files.status(device) } catch {
                throw CgroupError(
                    "find the device", device, errno: error, remedy: "name a node such as /dev/sda; `lsblk` lists them")
            }
            number = DeviceNumber(status.st_mode & S_IFMT == S_IFBLK ? status.st_rdev : status.st_dev).description
        }
        let sys = "/sys/dev/block/\(number)"
        guard Files.exists(sys) else {
            throw CgroupError("limit io of", device, remedy: "\(number) is no block device; `lsblk` lists them")
        }
        return wholeDisk(number)
    }

    /// The disk of a partition; a disk itself.
    static func wholeDisk(_ number: String) -> String {
        let sys = "/sys/dev/block/\(number)"
        guard Files.exists(sys + "/partition"), let disk = try? Files.read(sys + "/../dev") else { return number }
        return String(disk.split(separator: "\n").first ?? "")
    }
}
