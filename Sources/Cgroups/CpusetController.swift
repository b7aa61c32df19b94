// SPDX-License-Identifier: Apache-2.0
import JobModel
import SystemPackage

/// Which CPUs a job may run on; see `cpuset(7)`.
enum CpusetController {
    static func apply(_ cpus: IDSet, to directory: CgroupDirectory) throws(CgroupError) {
        if directory.version == .v1 {
            // A v1 cpuset is born empty, and a task cannot enter an empty one.
            try inherit("cpuset.mems", directory)
        }
        do throws(CgroupError) { try directory.write(cpus.description, to: "cpuset.cpus") } catch {
            var error = error
            error.remedy =
                "the CPUs must be online and allowed here; `nproc` counts them, and Cpus_allowed_list of /proc/self/status names them"
            throw error
        }
        // v2 accepts CPUs that do not exist and then silently uses the parent's.
        let effective = self.effective(directory).flatMap { try? IDSet(parsing: $0) }
        guard let effective, Set(cpus.ids).isSubset(of: effective.ids) else {
            throw CgroupError(
                "give the job the CPUs", cpus.description, errno: .invalidArgument,
                remedy: "the kernel offers \(effective?.description ?? "none") here")
        }
    }

    static func effective(_ directory: CgroupDirectory) -> String? {
        (directory.read("cpuset.cpus.effective") ?? directory.read("cpuset.effective_cpus")
            ?? directory.read("cpuset.cpus"))
            .map { String($0.split(separator: "\n").first ?? "") }
    }

    /// Fills an empty v1 file from the parent's.
    private static func inherit(_ name: String, _ directory: CgroupDirectory) throws(CgroupError) {
        let parent = try CgroupDirectory(path: parentPath(directory.path), version: .v1)
        try directory.write((parent.read(name) ?? "0").split(separator: "\n").first.map(String.init) ?? "0", to: name)
    }

    /// Makes a v1 base directory usable: both files from its parent.
    static func initialise(_ directory: CgroupDirectory) throws(CgroupError) {
        guard (directory.read("cpuset.cpus") ?? "\n") == "\n" else { return }
        try inherit("cpuset.cpus", directory)
        try inherit("cpuset.mems", directory)
    }
}

func parentPath(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
}
