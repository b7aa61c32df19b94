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
        if Machine.isUnified {
            directory = nil
            prefix = [
                "systemd-run", "--quiet", "--scope", "--collect", "-p", "Delegate=yes", "-p", "MemoryMax=\(megabytes)M",
                "-p", "MemorySwapMax=0",
                "--unit", name,
            ]
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

    deinit { if let directory { rmdir(directory) } }

    private static func write(_ text: String, _ path: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }
}

/// 512 MB of swap on a file, while it lives.
final class SwapFile {
    private let path = "/var/tmp/jobs-test-swap"

    init() throws {
        let script =
            "dd if=/dev/zero of=\(path) bs=1M count=512 status=none && chmod 600 \(path) && mkswap -q \(path) && swapon \(path)"
        let made = try JobsProgram.execute(["sh", "-c", script])
        try #require(made.code == 0, "\(made.errors)")
    }

    deinit {
        _ = try? JobsProgram.execute(["swapoff", path])
        unlink(path)
    }
}
