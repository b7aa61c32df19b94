// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import Linux
import Testing

extension IntegrationTests {
    /// Figures that are easily told wrong: each is right, or `null` with a reason.
    @Suite(.needsRoot) struct FigureTests {
        /// 100 MiB that are gone when the record is made: a memfd, an unlinked file of a tmpfs.
        @Test(
            .needsMemory,
            arguments: [
                "f = os.memfd_create('x'); os.write(f, bytes(100 << 20))",
                "f = open('/dev/shm/x', 'wb', 0); os.unlink('/dev/shm/x'); f.write(bytes(100 << 20))",
            ]) func `shared memory is unknown or what it was`(_ script: String) throws
        {
            let run = try JobsProgram.run(["--", "python3", "-c", "import os\n" + script])
            #expect(run.code == 0, "\(run.all)")
            if let bytes = run.usage("memory_shmem_bytes") {
                #expect(bytes > 95 << 20, "\(run.all)")
            } else {
                #expect(run.unavailable("memory_shmem_bytes") != nil, "\(run.all)")
            }
            #expect(run.usage("memory_kernel_bytes") ?? 1 > 0, "\(run.all)")
        }

        /// What its parent does not wait for, the kernel does not tell us.
        @Test func `the largest process is unknown where nobody waited for it`() throws {
            let large = "x = b'1' * (200 << 20)"
            let script = "import os, signal, sys\n%@\nif os.fork() == 0:\n    \(large)\n    os._exit(0)\nos.wait()"
            let waited = try JobsProgram.run([
                "--", "python3", "-c", script.replacingOccurrences(of: "%@", with: "pass"),
            ])
            #expect(waited.usage("rss_max_bytes") ?? 0 > 190 << 20, "\(waited.all)")
            let ignore = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
            let lost = try JobsProgram.run([
                "--", "python3", "-c",
                script.replacingOccurrences(of: "%@", with: ignore).replacingOccurrences(
                    of: "os.wait()", with: "try: os.wait()\nexcept ChildProcessError: pass"),
            ])
            #expect(lost.code == 0 && lost.usage("rss_max_bytes") == nil, "\(lost.all)")
            #expect(lost.unavailable("rss_max_bytes")?.contains("nobody waited") == true, "\(lost.all)")
        }

        @Test func `the time that a job was suspended is a figure of its own`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let id = try await daemon.submit("echo > \(ready); read x < \(go)", [("--wall-time", "1h")])
            _ = line(from: ready)
            let before = Clock.monotonicMicroseconds
            try await daemon.perform("suspend", id)
            // Time passes for it.
            let other = try await daemon.submit("true")
            try await daemon.wait([other])
            try await daemon.perform("resume", id)
            let most = Clock.monotonicMicroseconds - before
            writeLine(go)
            try await daemon.wait([id])
            let usage = try #require(try await daemon.record(id)?["usage"])
            let suspended = try #require(usage["suspended_usec"]?.intValue)
            #expect((1...most).contains(suspended), "\(usage.text())")
            #expect(usage["wall_time_usec"]?.intValue ?? 0 > suspended, "\(usage.text())")
            let plain = try await daemon.record(other)
            #expect(plain?["usage"]?["suspended_usec"]?.intValue == 0)
        }

        @Test func `a job that ended while no daemon was there has its own end`() async throws {
            let daemon = try Daemon()
            let (ready, go) = (daemon.scratch.fifo("ready"), daemon.scratch.fifo("go"))
            let id = try await daemon.submit("echo > \(ready); read x < \(go); exit 0")
            _ = line(from: ready)
            daemon.kill()
            let process = try #require(jobsInits(below: daemon.state).first)
            writeLine(go)
            // jobs-init has told the end when its report has grown to it.
            let report = "\(daemon.state)/attempts/\(id).1/report"
            try waitForChange(of: "\(daemon.state)/attempts/\(id).1") {
                (try FileManager.default.attributesOfItem(atPath: report)[.size] as? Int ?? 0) > 150
            }
            let before = Date()
            try daemon.start()
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            let record = try #require(try await daemon.record(id))
            let ended = job["ended_at"]?.stringValue ?? ""
            #expect(ended == record["ended_at"]?.stringValue, "\(job.text())")
            let moment = Timestamp(rfc3339: ended)?.microsecondsSinceEpoch ?? .max
            #expect(Double(moment) / 1e6 <= before.timeIntervalSince1970, "\(job.text())")
            withExtendedLifetime(process) {}
        }

        /// The kernel counts what is written to it once more at the disk below.
        @Test(
            .enabled(if: access("/dev/loop-control", W_OK) == 0, "needs loop devices"),
            .enabled(if: Machine.countsAllIO, "cgroup v1 before Linux 6.5 counts only disks that have a limit"))
        func `what is written to a loop device counts once`() throws {
            let scratch = try Scratch()
            let script = """
                set -e; head -c 32M /dev/zero > disk; sync disk
                loop=$(losetup --direct-io=on --find --show disk); trap 'losetup --detach $loop' EXIT
                \(JobsProgram.path) run --report record.json -- \
                    dd if=/dev/zero of=$loop bs=1M count=16 oflag=direct status=none
                """
            let outer = try JobsProgram.execute(["sh", "-c", script], in: scratch.path)
            let text = try String(contentsOfFile: scratch.path + "/record.json", encoding: .utf8)
            let record = try JSON(parsing: text)
            let written = try #require(record["usage"]?["io_write_bytes"]?.intValue, "\(outer.all)")
            #expect((16 << 20..<20 << 20).contains(written), "\(outer.all)\n\(record["usage"]?.text() ?? "")")
        }

        @Test(.enabled(if: !Machine.countsAllIO, "needs cgroup v1 before Linux 6.5"))
        func `traffic that the kernel does not count is null and not 0`() throws {
            let scratch = try Scratch()
            let run = try JobsProgram.run(
                ["--", "dd", "if=/dev/zero", "of=\(scratch.path)/file", "bs=1M", "count=4", "conv=fsync"])
            #expect(run.code == 0 && run.usage("io_write_bytes") == nil, "\(run.all)")
            #expect(run.unavailable("io_write_bytes")?.contains("only disks that have a limit") == true, "\(run.all)")
        }

        @Test(.needsMemory) func `a limit that page cache did not reach is not called so`() throws {
            // Every charge fails, and nothing of the job's can be reclaimed.
            let run = try JobsProgram.run([
                "--memory", "32M", "--oom", "kill-process", "--", "python3", "-c",
                "import os, sys\nif os.fork() == 0: x = bytearray(100 << 20)\nos.wait()",
            ])
            #expect(run.code == 0 && !run.flags.contains("cache-limited"), "\(run.all)")
            let oom = try #require(run.record["oom"] as? [String: Any])
            #expect(oom["cause"] as? String == "own-limit", "\(run.all)")
            #expect((oom["limit_path"] as? String)?.hasPrefix("/sys/fs/cgroup") == true, "\(run.all)")
        }
    }
}
