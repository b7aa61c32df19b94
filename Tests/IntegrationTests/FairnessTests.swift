// SPDX-License-Identifier: Apache-2.0
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
            #expect(run.flags.contains("ancestor-limit") && !run.flags.contains("cpu-throttled"), "\(run.all)")
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
    }
}
