// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// Throughput limits and traffic of block devices.
enum IOController {
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

    static func usage(of directory: CgroupDirectory?, into reading: inout UsageReading) {
        let totals: IOTotals?
        switch directory?.version {
        case .v2: totals = directory?.read("io.stat").map { IOTotals(v2: $0) }
        case .v1:
            totals = directory?.read("blkio.throttle.io_service_bytes_recursive").map {
                IOTotals(v1Bytes: $0, v1Operations: directory?.read("blkio.throttle.io_serviced_recursive") ?? "")
            }
        case nil: totals = nil
        }
        let reason = directory == nil ? "the io controller is not available here" : "no io.stat"
        reading.set("io_read_bytes", \.ioReadBytes, totals?.readBytes, otherwise: reason)
        reading.set("io_write_bytes", \.ioWriteBytes, totals?.writeBytes, otherwise: reason)
        reading.set("io_read_operations", \.ioReadOperations, totals?.readOperations, otherwise: reason)
        reading.set("io_write_operations", \.ioWriteOperations, totals?.writeOperations, otherwise: reason)
    }

    /// `MAJOR:MINOR` of a whole disk: the kernel limits disks, not partitions, so a partition becomes its disk and a
    /// file or directory the disk it lies on.
    static func number(of device: String) throws(CgroupError) -> String {
        let number: String
        let parts = device.split(separator: ":")
        if parts.count == 2, Int(parts[0]) != nil, Int(parts[1]) != nil {
            number = device
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
        guard Files.exists(sys + "/partition"), let disk = try? Files.read(sys + "/../dev") else { return number }
        return String(disk.split(separator: "\n").first ?? "")
    }
}
