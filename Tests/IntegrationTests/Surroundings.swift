// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Testing

/// A cgroup with a memory limit around `jobs` itself.
final class LimitedParent {
    let name = "jobs-test-parent-\(getpid())"
    let prefix: [String]
    private let directory: String?

    init(megabytes: Int) throws {
        if Machine.isUnified && Machine.hasSystemd {
            directory = nil
            prefix = [
                "systemd-run", "--quiet", "--scope", "--collect", "-p", "Delegate=yes", "-p", "MemoryMax=\(megabytes)M",
                "-p", "MemorySwapMax=0",
                "--unit", name,
            ]
            return
        }
        if Machine.isUnified {
            // As an administrator would make it: beside the tests' cgroup or below the root, where controllers may be
            // handed down although processes are there.
            let base = try Self.handingDown("memory")
            let directory = base + "/" + name
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            try Self.write("\(megabytes)M", directory + "/memory.max")
            try? Self.write("0", directory + "/memory.swap.max")
            self.directory = directory
            prefix = ["sh", "-c", "echo 0 > \(directory)/cgroup.procs; exec \"$@\"", "sh"]
            return
        }
        let host = try CgroupHost.detect()
        let directory = try #require(host.v1[.memory]).own + "/" + name
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try Self.write("\(megabytes)M", directory + "/memory.limit_in_bytes")
        try? Self.write("\(megabytes)M", directory + "/memory.memsw.limit_in_bytes")
        self.directory = directory
        prefix = ["sh", "-c", "echo 0 > \(directory)/tasks; exec \"$@\"", "sh"]
    }

    deinit {
        guard let directory else { return }
        // The cgroups that `jobs` made to divide it are empty by now and go first, from the leaves.
        _ = try? JobsProgram.execute(["find", directory, "-depth", "-type", "d", "-delete"])
    }

    /// The root of the tree that we see, if its children can have the controller.
    private static func handingDown(_ controller: String) throws -> String {
        let root = "/sys/fs/cgroup"
        try? write("+\(controller)", root + "/cgroup.subtree_control")
        let handed = try String(contentsOfFile: root + "/cgroup.subtree_control", encoding: .utf8)
        try #require(handed.contains(controller), "\(root) hands no \(controller) down")
        return root
    }

    private static func write(_ text: String, _ path: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }
}

/// 512 MB of swap on a file, while it lives.
final class SwapFile {
    private let scratch: Scratch
    private var path: String { scratch.path + "/swap" }

    init() throws {
        scratch = try Scratch()
        let path = scratch.path + "/swap"
        let script =
            "dd if=/dev/zero of=\(path) bs=1M count=512 status=none && chmod 600 \(path) && mkswap -q \(path) && swapon \(path)"
        let made = try JobsProgram.execute(["sh", "-c", script])
        try #require(made.code == 0, "\(made.errors)")
    }

    deinit {
        _ = try? JobsProgram.execute(["swapoff", path])
    }
}
