// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Testing

extension IntegrationTests {
    /// The queue as its users have it: submit, wait, look.
    @Suite(.needsRoot) struct QueueTests {
        @Test func `a job is queued, runs and leaves a record and its output`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("echo out; echo err >&2; exit 3", [("--pids", "20")])
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            #expect(job["state"]?.stringValue == "failed" && job["exit_code"]?.intValue == 3)
            let record = try #require(try await daemon.record(id))
            #expect(record["job"]?["id"]?.intValue == id && record["limits"]?["pids"]?.intValue == 20)
            #expect(record["usage"]?["wall_time_usec"]?.intValue ?? 0 > 0)
            #expect(try await daemon.output(id) == "out\n")
            #expect(try await daemon.output(id, "stderr") == "err\n")
        }

        @Test(.needsMemory) func `out of memory is told with its figures`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("head -c 200M /dev/zero | tail | wc -c", [("--memory", "40M")])
            try await daemon.wait([id])
            let job = try await daemon.job(id)
            #expect(job["state"]?.stringValue == "out-of-memory" && job["cause"]?.stringValue == "own-limit")
            #expect(job["memory_limit_bytes"]?.intValue == 40 << 20 && job["process_exit_code"]?.intValue == 137)
            if Machine.hasMemoryPeak { #expect(job["memory_peak_bytes"]?.intValue ?? 0 > 30 << 20) }
        }

        @Test(.needsMemory) func `after its own limit a job gets more memory, up to a ceiling`()
            async throws
        {
            let daemon = try Daemon()
            let script = "head -c 60M /dev/zero | tail | wc -c"
            let grows = try await daemon.submit(
                script, [("--memory", "30M"), ("--oom-factor", "4"), ("--oom-max", "200M")])
            let held = try await daemon.submit(
                script, [("--memory", "20M"), ("--oom-factor", "1.5"), ("--oom-max", "25M")])
            try await daemon.wait([grows, held], for: ["completed", "held"])
            let job = try await daemon.job(grows)
            #expect(job["state"]?.stringValue == "completed" && job["attempt"]?.intValue == 2)
            #expect(job["memory_limit_bytes"]?.intValue == 120 << 20)
            let other = try await daemon.job(held)
            #expect(other["state"]?.stringValue == "held" && other["attempt"]?.intValue == 2, "\(other.text())")
            #expect(other["reason"]?.stringValue?.contains("ceiling") == true)
        }

        @Test func `dependencies hold jobs back, and skip those that can never start`() async throws {
            let daemon = try Daemon()
            let first = try await daemon.submit("exit 1", [("--hold", nil)], name: "first")
            let ok = try await daemon.submit("true", [("--after", "ok:\(first)")])
            let chained = try await daemon.submit("true", [("--after", "\(ok)")])
            let any = try await daemon.submit("true", [("--after", "any:first")])
            let failed = try await daemon.submit("true", [("--after", "failed:\(first)")])
            let either = try await daemon.submit("true", [("--after", "ok:\(first)?ok:\(any)")])
            #expect(try await daemon.job(ok)["reason"]?.stringValue == "waits for job \(first) (ok)")
            try await daemon.perform("release", first)
            try await daemon.wait([first, ok, chained, any, failed, either])
            #expect(try await daemon.state(ok) == "skipped")
            #expect(try await daemon.state(chained) == "skipped")
            #expect(try await daemon.state(any) == "completed")
            #expect(try await daemon.state(failed) == "completed")
            #expect(try await daemon.state(either) == "completed")
        }

        @Test func `an array runs once for each index, no more at once than it says`() async throws {
            let daemon = try Daemon()
            let first = try await daemon.submit(
                "echo $JOBS_ARRAY_INDEX >> \(daemon.scratch.path)/seen",
                [("--array", "3-20%2"), ("--request-cpus", "0.5")])
            let ids = Array(first..<first + 18)
            try await daemon.wait(ids)
            let seen = try String(contentsOfFile: daemon.scratch.path + "/seen", encoding: .utf8)
            #expect(seen.split(separator: "\n").compactMap { Int($0) }.sorted() == Array(3...20))
        }

        @Test func `cancel, hold, suspend, resume and retry do what they say`() async throws {
            let daemon = try Daemon()
            let ready = daemon.scratch.fifo("ready")
            let running = try await daemon.submit("echo > \(ready); exec sleep 1h")
            _ = line(from: ready)
            try await daemon.perform("suspend", running)
            #expect(try await daemon.state(running) == "suspended")
            try await daemon.perform("resume", running)
            #expect(try await daemon.state(running) == "running")
            try await daemon.perform("cancel", running)
            try await daemon.wait([running])
            #expect(try await daemon.state(running) == "cancelled")
            #expect(try await daemon.job(running)["process_exit_code"]?.intValue == 143)

            let held = try await daemon.submit("true", [("--hold", nil)])
            #expect(try await daemon.state(held) == "held")
            try await daemon.perform("cancel", held)
            #expect(try await daemon.state(held) == "cancelled")
            try await daemon.perform("retry", held)
            try await daemon.wait([held])
            #expect(try await daemon.state(held) == "completed")
            await #expect(throws: ClientError.self) { try await daemon.perform("suspend", held) }
        }

        @Test func `a failed job is tried again as often as it says`() async throws {
            let daemon = try Daemon()
            let path = daemon.scratch.path + "/tries"
            let id = try await daemon.submit(
                "echo x >> \(path); test $(wc -l < \(path)) -ge 3", [("--retries", "5"), ("--backoff", "1ms")])
            try await daemon.wait([id], for: ["completed"])
            #expect(try await daemon.job(id)["attempt"]?.intValue == 3)
            let history = try await daemon.client.get("/v1/jobs/\(id)/history")["changes"]?.arrayValue ?? []
            #expect(
                history.map { $0["state"]?.stringValue }
                    == [
                        "pending", "running", "failed", "pending", "running", "failed", "pending", "running",
                        "completed",
                    ])
        }

        @Test func `a job that needs more than is free waits and says why`() async throws {
            let daemon = try Daemon(["--memory", "100M", "--cpus", "4"])
            let ready = daemon.scratch.fifo("ready")
            let big = try await daemon.submit(
                "echo > \(ready); exec sleep 1h", [("--request-memory", "80M"), ("--wall-time", "1h")])
            _ = line(from: ready)
            let next = try await daemon.submit("true", [("--request-memory", "50M")])
            let reason = try await daemon.job(next)["reason"]?.stringValue ?? ""
            #expect(reason.hasPrefix("needs 50M of memory, 20M free; job \(big) ends by "), "\(reason)")
            let huge = try await daemon.submit("true", [("--request-memory", "50G")])
            #expect(try await daemon.job(huge)["reason"]?.stringValue?.contains("all the machine has") == true)
            try await daemon.perform("cancel", big)
            try await daemon.wait([next])
            #expect(try await daemon.state(next) == "completed")
        }

        @Test func `output beyond its limit keeps head and tail and says what was dropped`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("echo first; seq 1 100000; echo last", [("--output-limit", "64K")])
            try await daemon.wait([id])
            let text = try await daemon.output(id)
            #expect(text.hasPrefix("first\n1\n2\n") && text.hasSuffix("100000\nlast\n"))
            #expect(text.utf8.count < 66_000 && text.contains(" bytes dropped here]\n"))
            let kept = try FileManager.default.contentsOfDirectory(atPath: "\(daemon.state)/attempts/\(id).1")
            #expect(kept.count == 3, "a head and two segments: \(kept)")
        }

        @Test func `output is followed while it is written`() async throws {
            let daemon = try Daemon()
            let go = daemon.scratch.fifo("go")
            let id = try await daemon.submit("echo one; read x < \(go); echo two")
            let text = try await daemon.client.stream("/v1/jobs/\(id)/output/stdout?follow=1") { body in
                var seen: [UInt8] = []
                for try await bytes in body {
                    seen += bytes
                    if seen == Array("one\n".utf8) { writeLine(go) }
                }
                return String(decoding: seen, as: UTF8.self)
            }
            #expect(text == "one\ntwo\n")
        }

        @Test func `a second daemon on the same state is refused`() throws {
            let daemon = try Daemon()
            let program = JobsProgram.repository.appending(path: ".build/debug/jobsd").path
            let outcome = try JobsProgram.execute([program], environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(outcome.code == 1 && outcome.errors.contains("another jobsd has"), "\(outcome.all)")
        }

        @Test func `bad submissions are refused with the reason, and harm nobody`() async throws {
            let daemon = try Daemon()
            for body in ["{", "[]", "{\"job\": 3}", "{\"job\": {\"text\": \"commnd: x\"}, \"directory\": \"/\"}"] {
                let answer = try daemon.ask("POST", "/v1/jobs", body)
                #expect(answer.status == 400 && answer.text.contains("\"error\""), "\(body): \(answer)")
            }
            #expect(try await daemon.submit("true") == 1)
        }

        @Test func `the document of the API names every route that there is`() async throws {
            let daemon = try Daemon()
            let document = try await daemon.client.get("/v1/openapi.json")
            let id = try await daemon.submit("true")
            try await daemon.wait([id])
            for path in document["paths"]?.objectValue ?? [] {
                for operation in path.value.objectValue ?? [] where path.key != "/v1/events" {
                    let url = path.key.replacingOccurrences(of: "{id}", with: "\(id)")
                        .replacingOccurrences(of: "{stream}", with: "stdout")
                        .replacingOccurrences(of: "{name}", with: "g")
                    let answer = try daemon.ask(
                        operation.key.uppercased(), url, path.key.contains("groups") ? "{\"parallel\":1}" : "")
                    let documented = operation.value["responses"]?.objectValue?.map(\.key) ?? []
                    #expect(documented.contains("\(answer.status)"), "\(operation.key) \(url): \(answer)")
                }
            }
        }
    }
}

func writeLine(_ fifo: String) {
    guard let file = fopen(fifo, "w") else { return }
    fputs("\n", file)
    fclose(file)
}
