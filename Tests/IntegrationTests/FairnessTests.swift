// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import JobModel
import Testing

extension IntegrationTests {
    /// What limits leave out is said, and work that is done for a job is held back as the job is.
    @Suite(.needsRoot) struct FairnessTests {
        // MARK: Limits above

        /// On v1 the kernel refuses a quota above that of the parent.
        @Test func `a quota above is told apart from the job's own`() throws {
            let parent = try LimitedParent(.cpus(percent: 50))
            let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"
            let run = try JobsProgram.run(["--cpus", "2", "--", "sh", "-c", burn], prefix: parent.prefix)
            #expect(run.code == 0, "\(run.all)")
            let limits = run.record["limits"] as? [String: Any] ?? [:]
            #expect(limits["ancestor_cpus"] as? Double == 0.5, "\(run.all)")
            #expect((limits["ancestor_cpus_path"] as? String)?.contains(parent.name) == true, "\(run.all)")
            #expect(run.flags.contains("ancestor-limit"), "\(run.all)")
            // On v1 its own quota is cut down to that of the parent, and either may be the first to hold it back.
            if Machine.isUnified { #expect(!run.flags.contains("cpu-throttled"), "\(run.all)") }
            #expect(run.errors.contains("it was to have 2 CPUs"), "\(run.all)")
        }

        @Test func `so is a limit of processes`() throws {
            let parent = try LimitedParent(.pids(24))
            let bomb = "for i in $(seq 40); do sleep 1 & done 2>/dev/null; exit 0"
            for own in [[], ["--pids", "1000"]] {
                let run = try JobsProgram.run(
                    own + ["--linger", "0", "--", "bash", "-c", bomb], prefix: parent.prefix)
                #expect(run.limit("ancestor_pids") == 24, "\(run.all)")
                #expect(run.usage("pids_limit_hits") == 0, "\(run.all)")
                #expect(run.flags.contains("ancestor-limit") && run.errors.contains("refused"), "\(run.all)")
            }
            let tight = try JobsProgram.run(
                ["--pids", "5", "--linger", "0", "--", "bash", "-c", bomb], prefix: parent.prefix)
            #expect(
                (tight.usage("pids_limit_hits") ?? 0) > 0 && !tight.flags.contains("ancestor-limit"), "\(tight.all)")
        }

        // MARK: Writes through the page cache

        @Test func `a limit for writes says what it does not hold back`() throws {
            let scratch = try Scratch()
            let script = "dd if=/dev/zero of=file bs=1M count=4 2>/dev/null; sync file"
            let run = try JobsProgram.run(["--io", "/var/tmp:write=2M", "--", "sh", "-c", script], in: scratch.path)
            #expect(run.code == 0, "\(run.all)")
            let unenforced = (run.record["limits"] as? [String: Any])?["unenforced"] as? [String: String] ?? [:]
            let partial = run.record["partial"] as? [String: String] ?? [:]
            let holds = Machine.host?.version(of: .io) == .v2 && Machine.host?.version(of: .memory) == .v2
            #expect((unenforced["io"] == nil) == holds && (partial["io_write_bytes"] == nil) == holds, "\(run.all)")
            #expect(run.flags.contains("buffered-writes") == !holds, "\(run.all)")
            let lines = (run.record["limits"] as? [String: Any])?["io"] as? [String] ?? []
            #expect(lines.count == 1 && lines[0].contains("wbps=2097152"), "\(lines)")
            guard holds else { return }
            #expect((run.usage("io_write_bytes") ?? 0) >= 4 << 20, "\(run.all)")
            #expect((run.usage("wall_time_usec") ?? 0) > 1_000_000, "\(run.all)")
        }

        @Test func `a limit for reads holds everywhere`() throws {
            let run = try JobsProgram.run(["--io", "/var/tmp:read=100M", "--", "true"])
            #expect(!run.flags.contains("buffered-writes"), "\(run.all)")
        }

        // MARK: Output

        /// vmsplice(2) gives pages to a pipe that the job writes once, or never again.
        private static let flood = """
            import ctypes, fcntl, os, time
            class Part(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
            page = ctypes.create_string_buffer(1 << 16)
            parts = (Part * 16)(*[Part(ctypes.addressof(page), 1 << 16)] * 16)
            fcntl.fcntl(1, 1031, 1 << 20)
            libc, end = ctypes.CDLL(None), time.monotonic() + 2
            while time.monotonic() < end: libc.vmsplice(1, parts, 16, 0)
            """

        @Test(.enabled(if: Machine.hasPython, "needs python3 with ctypes"))
        func `copying a job's output takes no more of the CPUs than the job may`() async throws {
            let daemon = try Daemon()
            let (done, go) = (daemon.scratch.fifo("done"), daemon.scratch.fifo("go"))
            try Data(Self.flood.utf8).write(to: URL(filePath: daemon.scratch.path + "/flood.py"))
            let begun = Date()
            let id = try await daemon.submit(
                "python3 flood.py; echo > \(done); read x < \(go)", [("cpus", "0.1"), ("output-limit", "1M")])
            _ = line(from: done)
            let pid = try #require(jobsInits(below: daemon.state).first)
            let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
            let used = Double((Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)) / Double(sysconf(CInt(_SC_CLK_TCK)))
            // A period's share at once, and what jobs-init does for itself.
            #expect(used < 0.1 * Date().timeIntervalSince(begun) + 0.2, "\(used) s")
            writeLine(go)
            try await daemon.wait([id])
            #expect(try await daemon.state(id) == "completed", "\(daemon.log)")
        }

        @Test func `and writes no more to the disk`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit(
                "yes", [("io", "\(daemon.state):write=1M"), ("wall-time", "2s"), ("grace", "0")])
            try await daemon.wait([id])
            let record = try #require(try await daemon.record(id))
            let wall = (record["usage"]?["wall_time_usec"]?.intValue ?? 0) / 1_000_000 + 1
            let files = try FileManager.default.contentsOfDirectory(atPath: daemon.state + "/attempts/\(id).1")
            let last = files.compactMap { Int($0.split(separator: ".").last ?? "") }.max() ?? 0
            let size =
                try FileManager.default.attributesOfItem(
                    atPath: daemon.state + "/attempts/\(id).1/stdout.\(last)")[.size] as? Int
            // Besides a second's: what it takes at once, and what is in the pipe at the end.
            #expect(last + (size ?? 0) <= wall << 20 + 2 << 20, "\(last) \(size ?? 0)")
        }

        @Test func `an output limit that this disk could not hold is refused`() async throws {
            let daemon = try Daemon()
            await #expect(throws: (any Error).self) {
                try await daemon.submit("true", [("output-limit", "1000T")])
            }
            let told = try JobsProgram.execute(
                [JobsProgram.path, "submit", "--output-limit", "1000T", "--", "true"],
                environment: ["JOBS_STATE_DIR": daemon.state, "JOBS_RUNTIME_DIR": daemon.state + "/run"])
            #expect(told.errors.contains("a twentieth of the file system"), "\(told.all)")
        }
    }
}
