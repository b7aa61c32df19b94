// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One change of what a job sees of the file system, as data.
package struct Mount: Hashable, Sendable {
    /// An absolute path below the root on which the list is carried out.
    package var target: String
    package var action: Action
    /// Nothing is done where the target, or its source, is not there.
    package var isOptional: Bool

    package init(_ target: String, _ action: Action, isOptional: Bool = false) {
        (self.target, self.action, self.isOptional) = (target, action, isOptional)
    }

    package enum Action: Hashable, Sendable {
        /// Nothing leaves the mounts at and below the target, and later ones of the machine do not arrive.
        case makePrivate
        /// The same, but later mounts and unmounts of the machine happen here, too.
        case makeSlaves
        case fileSystem(FileSystem)
        /// An empty directory, read-only.
        case emptyDirectory
        /// `/dev/null`.
        case emptyFile
        /// The target as it is, read-only.
        case readOnly
        /// The same with all mounts below it.
        case readOnlyTree
        /// The directory at a path as it was when the list was begun, read-only; the target is made if an earlier mount hides it.
        case directory(String)
        /// The target as it was when the list was begun, if it really lies below a path that an earlier mount hides; opened
        /// with the rights of the job's user.
        case restored(below: String)
        /// The directory at a path, read-only, in place of the mount that is at the target.
        case replacement(String)
    }

    /// The arguments of `mount(2)` for a new file system.
    package struct FileSystem: Hashable, Sendable {
        package var type: String
        /// Its name in `/proc/self/mountinfo`.
        package var source: String
        /// `MS_*`.
        package var flags: UInt
        package var options: String?

        package init(_ type: String, source: String? = nil, flags: Flags, options: String? = nil) {
            self.type = type
            self.source = source ?? type
            self.flags = flags.rawValue
            self.options = options
        }

        /// For data, devices of which nobody needs; and for files that nobody executes either.
        package enum Flags {
            case data, noExecution

            var rawValue: UInt {
                let data = UInt(MS_NOSUID) | UInt(MS_NODEV)
                return self == .data ? data : data | UInt(MS_NOEXEC)
            }
        }
    }

    /// The step as a failure names it, before the target.
    var step: String {
        switch action {
        case .makePrivate: "make mounts private"
        case .makeSlaves: "make mounts slaves"
        case .fileSystem: "mount"
        case .emptyDirectory: "hide"
        case .emptyFile: "mask"
        case .readOnly, .readOnlyTree: "make read-only"
        case .directory: "show a directory in"
        case .restored: "keep the working directory"
        case .replacement: "show the job's cgroup at"
        }
    }
}

extension Mount {
    static let empty = Mount("", .makePrivate)

    mutating func code(_ a: inout Archive) {
        a.field(&target)
        a.field(&isOptional)
        var kind = kind
        a.field(&kind)
        switch kind {
        case 0: action = .makePrivate
        case 1: action = .makeSlaves
        case 2:
            var system = if case .fileSystem(let value) = action { value } else { FileSystem("", flags: .data) }
            a.field(&system.type)
            a.field(&system.source)
            a.field(&system.flags)
            a.field(&system.options, empty: "") { $0.field(&$1) }
            action = .fileSystem(system)
        case 3: action = .emptyDirectory
        case 4: action = .emptyFile
        case 5: action = .readOnly
        case 6: action = .readOnlyTree
        case 7: action = .directory(coded(&a))
        case 8: action = .restored(below: coded(&a))
        case 9: action = .replacement(coded(&a))
        default: a.reject()
        }
    }

    /// The path that three of the actions carry.
    private func coded(_ a: inout Archive) -> String {
        var path =
            switch action {
            case .directory(let path), .restored(let path), .replacement(let path): path
            default: ""
            }
        a.field(&path)
        return path
    }

    private var kind: Int {
        switch action {
        case .makePrivate: 0
        case .makeSlaves: 1
        case .fileSystem: 2
        case .emptyDirectory: 3
        case .emptyFile: 4
        case .readOnly: 5
        case .readOnlyTree: 6
        case .directory: 7
        case .restored: 8
        case .replacement: 9
        }
    }
}
