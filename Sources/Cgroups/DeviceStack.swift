// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension DeviceStack {
    /// Looks a device up by `MAJOR:MINOR` in sysfs; see Documentation/ABI/stable/sysfs-block.
    package static func find(_ device: String) -> DeviceStack { find(device, sys: "/sys/dev/block") }

    static func find(_ device: String, sys: String) -> DeviceStack {
        let path = sys + "/" + device
        // `mm_stat` is zram's alone; brd has the major of <linux/major.h>'s RAMDISK.
        if Files.exists(path + "/mm_stat") || device.hasPrefix("1:") { return .memory }
        var below: Set<String> = []
        for slave in (try? Files.list(path + "/slaves")) ?? [] {
            if let number = try? Files.read(path + "/slaves/\(slave.name)/dev").split(separator: "\n").first {
                below.insert(IOController.wholeDisk(String(number)))
            }
        }
        if let file = (try? Files.read(path + "/loop/backing_file"))?.split(separator: "\n").first,
            let status = try? Files.status(String(file))
        {
            let isDevice = status.st_mode & S_IFMT == S_IFBLK
            below.insert(IOController.wholeDisk(DeviceNumber(isDevice ? status.st_rdev : status.st_dev).description))
        }
        return .on(below)
    }
}
