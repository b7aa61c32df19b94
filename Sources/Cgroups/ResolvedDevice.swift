// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// A device rule with its numbers looked up.
package struct ResolvedDevice: Hashable, Sendable {
    package var isBlock: Bool
    package var major: Int?
    package var minor: Int?
    package var read: Bool
    package var write: Bool
    package var mknod: Bool

    package init(_ rule: DeviceRule) throws(CgroupError) {
        (read, write, mknod) = (rule.read, rule.write, rule.mknod)
        switch rule.target {
        case .number(let block, let major, let minor): (isBlock, self.major, self.minor) = (block, major, minor)
        case .path(let path):
            let status: stat
            do throws(Errno) { status = try Files.status(path) } catch {
                throw CgroupError("find the device", path, errno: error)
            }
            let kind = status.st_mode & S_IFMT
            guard kind == S_IFCHR || kind == S_IFBLK else {
                throw CgroupError("allow the device", path, remedy: "it is no device node")
            }
            isBlock = kind == S_IFBLK
            let number = DeviceNumber(status.st_rdev)
            (major, minor) = (number.major, number.minor)
        }
    }

    /// As `devices.allow` takes it: `c 1:3 rw`.
    package var line: String {
        let access = (read ? "r" : "") + (write ? "w" : "") + (mknod ? "m" : "")
        return "\(isBlock ? "b" : "c") \(major.map(String.init) ?? "*"):\(minor.map(String.init) ?? "*") \(access)"
    }
}
