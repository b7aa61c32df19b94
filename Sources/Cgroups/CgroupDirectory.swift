// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Synchronization
import SystemPackage

/// One cgroup: a directory of the kernel's files, held open.
package final class CgroupDirectory: Sendable {
    package let path: String
    package let version: CgroupVersion
    package let descriptor: Descriptor
    private let keepsFilesOpen: Bool
    private let files = Mutex<[String: Descriptor]>([:])

    /// Opens the cgroup at `path`.
    ///
    /// - Parameter keepsFilesOpen: opens each file once and reads it anew every time; for one that is read again and again.
    package init(path: String, version: CgroupVersion, keepsFilesOpen: Bool = false) throws(CgroupError) {
        self.path = path
        self.version = version
        self.keepsFilesOpen = keepsFilesOpen
        do throws(Errno) { descriptor = try Descriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw CgroupError("open", path, errno: error)
        }
    }

    /// Makes the cgroup, or opens it if `mayExist`.
    package static func make(_ path: String, version: CgroupVersion, mayExist: Bool = false) throws(CgroupError)
        -> CgroupDirectory
    {
        do throws(Errno) { try Files.makeDirectory(path) } catch {
            if !(mayExist && error == .fileExists) {
                throw CgroupError("make the cgroup", path, errno: error, remedy: Self.remedy(for: error, path))
            }
        }
        return try CgroupDirectory(path: path, version: version)
    }

    private static func remedy(for error: Errno, _ path: String) -> String? {
        func ask(_ obstacle: CgroupManager.Obstacle) -> String {
            CgroupManager.current.remedy(for: obstacle, path: parentPath(path), isRoot: geteuid() == 0).asSentence
        }
        return switch error {
        case .readOnlyFileSystem: ask(.readOnly)
        case .permissionDenied, .notPermitted: ask(.denied)
        case .resourceTemporarilyUnavailable, .wouldBlock:
            "cgroup.max.descendants or cgroup.max.depth of a cgroup above allows no more: raise it there"
        case .noSpace: "too many cgroups: `jobs doctor` lists those left behind"
        default: nil
        }
    }

    /// The file's text; `nil` if the kernel has no such file here or cannot say (`ENOENT`, `EOPNOTSUPP`, `ENODEV`).
    ///
    /// One read is enough: kernfs shows each of these files in one piece. Only lists of processes come in several.
    package func read(_ name: String) -> String? {
        (try? open(name).readOnce()).map { String(decoding: $0, as: UTF8.self) }
    }

    private func open(_ name: String) throws(Errno) -> Descriptor {
        if keepsFilesOpen, let file = files.withLock({ $0[name] }) { return file }
        let file = try Descriptor.open(name, at: descriptor)
        if keepsFilesOpen { files.withLock { $0[name] = file } }
        return file
    }

    /// A file that holds one number; `nil` for `max`, for text, and for no file.
    package func readInt(_ name: String) -> Int? {
        guard let text = read(name) else { return nil }
        return Int(text.split { $0 == "\n" || $0 == " " }.first ?? "")
    }

    /// One `write(2)`: the kernel takes each write for a whole value.
    package func write(_ value: String, to name: String) throws(CgroupError) {
        do throws(Errno) { try Files.write(value, to: name, at: descriptor) } catch {
            throw CgroupError("write", path + "/" + name, value: value, errno: error)
        }
    }

    package func has(_ name: String) -> Bool { faccessat(descriptor.rawValue, name, F_OK, 0) == 0 }

    /// Everyone in this cgroup itself, sub-cgroups not counted.
    package var processes: [pid_t] {
        ((try? Files.read("cgroup.procs", at: descriptor)) ?? "").split(separator: "\n").compactMap { pid_t($0) }
    }

    /// Moves a process here, the calling one for 0; see `cgroups(7)`.
    package func takeIn(_ pid: pid_t) throws(CgroupError) { try write("\(pid)", to: "cgroup.procs") }

    /// Whether a process is in this cgroup of v2 or below it; see `cgroup.events`.
    package var isPopulated: Bool { FlatKeyed(read("cgroup.events"))["populated"] == 1 }

    /// Whether there are cgroups below: each adds a link to its parent's directory, besides its own two.
    package var hasChildren: Bool {
        var status = stat()
        return fstat(descriptor.rawValue, &status) != 0 || status.st_nlink > 2
    }

    /// Names of the cgroups right below.
    package static func children(of path: String) -> [String] {
        ((try? Files.list(path)) ?? []).filter(\.isDirectory).map(\.name)
    }
}
