// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import JobsClient
import Testing

extension IntegrationTests {
    /// What words select, and that a verb on several jobs is one decision.
    @Suite(.needsRoot) struct SelectionTests {
        private func jobs(_ daemon: Daemon, _ words: String...) throws -> JobsProgram.Outcome {
            try JobsProgram.execute([JobsProgram.path] + words, environment: ["JOBS_STATE_DIR": daemon.state])
        }

        @Test func `of jobs that are cancelled together none makes room for another`() async throws {
            let daemon = try Daemon()
            #expect(try jobs(daemon, "group", "one", "--parallel", "1").code == 0)
            let ready = daemon.scratch.fifo("ready")
            for round in 0..<5 {
                let script = "trap 'exit 0' TERM; echo > \(ready); sleep 1h & wait"
                let runs = try await daemon.submit(script, [("--queue-group", "one")])
                let waits = try await daemon.submit(script, [("--queue-group", "one")])
                _ = line(from: ready)
                let flags = round == 0 ? ["-q"] : []
                let cancelled = try JobsProgram.execute(
                    [JobsProgram.path, "cancel"] + flags + ["\(runs)", "\(waits)"],
                    environment: ["JOBS_STATE_DIR": daemon.state])
                #expect(cancelled.code == 0, "\(cancelled.all)")
                #expect(
                    cancelled.output == (round == 0 ? "" : "cancelled job \(waits), asked job \(runs) to end\n"),
                    "\(cancelled.all)")
                try await daemon.wait([runs, waits], for: ["cancelled"])
                #expect(try await daemon.job(waits)["attempt"]?.intValue == 0)
            }
        }

        @Test func `what can be done is done, and the rest is said`() async throws {
            let daemon = try Daemon()
            let done = try await daemon.submit("true")
            try await daemon.wait([done])
            let first = try await daemon.submit("true", [("--array", "0-3"), ("--hold", nil)], name: "parts")
            let some = try jobs(
                daemon, "cancel", "\(done)", "\(first + 1)", "\(first)[3]", "\(first + 1)", "none-such", "900")
            #expect(some.code == 1 && some.output == "cancelled 2 jobs (\(first + 1),\(first + 3))\n", "\(some.all)")
            #expect(some.errors.contains("job \(done) is completed, so there is nothing to cancel"), "\(some.all)")
            #expect(some.errors.contains("no job is named 'none-such'") && some.errors.contains("there is no job 900"))
            let rest = try jobs(daemon, "release", "1-\(first + 3)")
            #expect(rest.code == 0 && rest.output == "released 2 jobs (\(first),\(first + 2))\n", "\(rest.all)")
            try await daemon.wait([first, first + 2], for: ["completed"])
            let none = try jobs(daemon, "hold", "\(first)")
            #expect(none.code == 1 && none.errors.contains("none of '\(first)' can be held now"), "\(none.all)")
            // The largest ranges that there are, and elements beyond every array.
            for word in ["0-9223372036854775807", "9223372036854775807", "\(first)[9223372036854775807]", "0[0]"] {
                #expect(try jobs(daemon, "suspend", word).code == 1, "\(word)")
                let after = try jobs(daemon, "submit", "--parsable", "--hold", "--after", "any:" + word, "--", "true")
                #expect(after.code == (word.hasPrefix("0-") ? 0 : 65), "\(after.all)")
            }
            for body in ["", "{}", #"{"jobs":[]}"#, #"{"jobs":[1]}"#, #"{"jobs":["1"],"nwo":true}"#, #"["1"]"#] {
                #expect(try daemon.ask("POST", "/v1/jobs/cancel", body).status == 400, "\(body)")
            }
        }

        @Test func `a retry of an array runs again what failed, not what was cancelled`() async throws {
            let daemon = try Daemon(["--cpus", "1", "--memory", "1G"])
            let first = try await daemon.submit(
                "test $JOBS_ARRAY_INDEX = 0", [("--array", "0-2"), ("--hold", nil)], name: "parts")
            #expect(try jobs(daemon, "cancel", "\(first)_2").output == "cancelled job \(first + 2)\n")
            #expect(try jobs(daemon, "release", "parts").code == 0)
            try await daemon.wait(Array(first..<first + 3))
            for word in ["\(first)", "\(first)-\(first + 2)", "parts"] {
                let again = try jobs(daemon, "retry", word)
                #expect(again.code == 0 && again.output == "requeued job \(first + 1)\n", "\(word): \(again.all)")
                try await daemon.wait([first + 1], for: ["failed"])
            }
            #expect(try await daemon.state(first + 2) == "cancelled")
            #expect(try jobs(daemon, "retry", "\(first)[2]").output == "requeued job \(first + 2)\n")
        }

        @Test func `a name means the jobs of that name that live, for every verb`() async throws {
            let daemon = try Daemon()
            let old = try await daemon.submit("echo old", name: "twin")
            try await daemon.wait([old])
            #expect(try jobs(daemon, "logs", "twin").output == "old\n")
            let held = [("--hold", nil)] as [(String, String?)]
            let (a, b) = (
                try await daemon.submit("echo a", held, name: "twin"),
                try await daemon.submit("echo b", held, name: "twin")
            )
            let shown = try jobs(daemon, "status", "twin").output
            #expect(
                shown.contains("job \(a)") && shown.contains("job \(b)") && !shown.contains("job \(old) "), "\(shown)")
            let retried = try jobs(daemon, "retry", "twin")
            #expect(retried.code == 1, "\(retried.all)")
            let after = try await daemon.submit("true", [("--after", "twin")])
            #expect(try await daemon.job(after)["after"]?.stringValue == "ok:\(a),ok:\(b)")
            #expect(try jobs(daemon, "release", "twin").output == "released 2 jobs (\(a)-\(b))\n")
            #expect(try jobs(daemon, "wait", "\(a)", "\(b)").code == 0)
            #expect(try jobs(daemon, "logs", "twin").output == "b\n")
        }

        @Test func `after takes what parsable prints, and what never was is refused`() async throws {
            let daemon = try Daemon()
            let place = ["JOBS_STATE_DIR": daemon.state]
            let words = [JobsProgram.path, "submit", "--parsable", "--hold", "--array", "5-8", "--", "true"]
            let printed = try JobsProgram.execute(words, environment: place).output.trimmingCharacters(in: .newlines)
            let first = try #require(Int(printed.prefix { $0 != "-" }))
            #expect(printed == "\(first)-\(first + 3)")
            func after(_ text: String) async throws -> String? {
                try await daemon.job(try await daemon.submit("true", [("--after", text)]))["after"]?.stringValue
            }
            let all = "any:\(first)-\(first + 3)"
            #expect(try await after("any:\(printed)") == all)
            #expect(try await after("any:\(first)") == all)
            #expect(try await after("\(first)[6]") == "ok:\(first + 1)")
            #expect(try await after("\(first + 1)") == "ok:\(first + 1)")
            for text in ["900", "900-910", "\(first)[4]", "\(first + 1)[0]", "none-such", "any:\(first)?900"] {
                await #expect(throws: ClientError.self, "\(text)") { try await after(text) }
            }
        }
    }
}
