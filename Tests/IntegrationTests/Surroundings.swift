// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Testing

/// A cgroup with limits around `jobs` itself.
final class LimitedParent {
    /// A limit in each of the places that can set one.
    struct Limit {
        var controller: Controller
        var systemd: [String]
        var v2: KeyValuePairs<String, String>
        var v1: KeyValuePairs<String, String>

        static func memory(megabytes: Int) -> Limit {
            Limit(
                controller: .memory, systemd: ["MemoryMax=\(megabytes)M", "MemorySwapMax=0"],
                v2: ["memory.max": "\(megabytes)M", "memory.swap.max": "0"],
                v1: ["memory.limit_in_bytes": "\(megabytes)M", "memory.memsw.limit_in_bytes": "\(megabytes)M"])
        }

        static func cpus(percent: Int) -> Limit {
            Limit(
                controller: .cpu, systemd: ["CPUQuota=\(percent)%"], v2: ["cpu.max": "\(percent * 1000) 100000"],
                v1: ["cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "\(percent * 1000)"])
        }

        static func pids(_ count: Int) -> Limit {
            Limit(
                controller: .pids, systemd: ["TasksMax=\(count)"], v2: ["pids.max": "\(count)"],
                v1: ["pids.max": "\(count)"])
        }
    }

    let name = "jobs-test-parent-\(UUID().uuidString.prefix(8))"
    let prefix: [String]
    private let directory: String?

    convenience init(megabytes: Int) throws { try self.init(.memory(megabytes: megabytes)) }

    init(_ limit: Limit) throws {
        if Machine.isUnified && Machine.hasSystemd {
            directory = nil
            prefix =
                ["systemd-run", "--quiet", "--scope", "--collect", "-p", "Delegate=yes"]
                + limit.systemd.flatMap { ["-p", $0] } + ["--unit", name]
            return
        }
        let file: String
        if Machine.isUnified {
            // As an administrator would make it: beside the tests' cgroup or below the root, where controllers may be
            // handed down although processes are there.
            directory = try Self.handingDown(limit.controller.rawValue) + "/" + name
            file = "cgroup.procs"
        } else {
            let host = try CgroupHost.detect()
            directory = try #require(host.v1[limit.controller]).own + "/" + name
            file = "tasks"
        }
        let directory = directory ?? ""
        prefix = ["sh", "-c", "echo 0 > \(directory)/\(file); exec \"$@\"", "sh"]
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        // Where there is no accounting of swap, there is no limit of it.
        for (name, text) in Machine.isUnified ? limit.v2 : limit.v1 {
            do { try Self.write(text, directory + "/" + name) } catch  where name.contains("sw") {}
        }
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
