// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobFile
import JobModel
import JobsAPI
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// What a request may cost, and whether answers are as the API's own document says.
    @Suite(.needsRoot) struct RequestTests {
        private func body(_ text: String, _ more: [JSON.Member] = []) -> String {
            let job = [JSON.Member(key: "text", value: .string(text)), .init(key: "path", value: "a.yaml")]
            return JSON.object(["job": .object(job + more), "directory": "/"]).text()
        }

        @Test(.onBuildMachine) func `large words cost little, and are not sent back`() async throws {
            let daemon = try Daemon()
            let list = Array(repeating: "0-65535", count: 60_000).joined(separator: ",")
            let array = Array(repeating: "0-99999", count: 100_000).joined(separator: ",")
            let word = String(repeating: "x", count: 1_000_000)
            let bodies = [
                body("command: [x]\nlimits: {cpuset: '\(list)'}\n"), body("command: [x]\nqueue: {array: '\(array)'}\n"),
                body("command: [x]\nisolation: {capabilities: [\(word)]}\n"),
                body("command: [x]\n", [.init(key: "flags", value: .array([.array([.string("--" + word)])]))]),
                JSON.object([
                    "job": .object(["text": "command: [x]", "path": .string("/\(word).yaml")]), "directory": "/",
                ]).text(),
            ]
            for body in bodies {
                let answer = try daemon.ask("POST", "/v1/jobs", body)
                #expect(answer.status == 400 && answer.text.utf8.count < 5000, "\(answer.text.prefix(300))")
            }
            #expect(try daemon.ask("POST", "/v1/drain", "").status == 200)
            #expect(try daemon.ask("POST", "/v1/jobs/1/cancel", String(repeating: " ", count: 70_000)).status == 413)
        }

        @Test(.onBuildMachine) func `those who wait for an array keep a reference to it`() async throws {
            let daemon = try Daemon()
            let array = try await daemon.submit("true", [("--array", "0-19999"), ("--hold", nil)], name: "many")
            var last = 0
            for _ in 0..<150 { last = try await daemon.submit("true", [("--after", "any:many")]) }
            #expect(try await daemon.job(last)["after"]?.stringValue == "any:\(array)-\(array + 19_999)")
            #expect(
                try await daemon.job(last)["reason"]?.stringValue == "waits for jobs \(array)-\(array + 19_999) (any)")
            // They are what they were after a restart, and hear of the array's end.
            daemon.kill()
            try daemon.start()
            #expect(
                try await daemon.job(last)["reason"]?.stringValue == "waits for jobs \(array)-\(array + 19_999) (any)")
            let small = try await daemon.submit("exit $((JOBS_ARRAY_INDEX == 2))", [("--array", "1-3")], name: "few")
            let ok = try await daemon.submit("true", [("--after", "ok:few")])
            let failed = try await daemon.submit("true", [("--after", "failed:\(small)-\(small + 2)")])
            let any = try await daemon.submit("true", [("--after", "any:few")])
            try await daemon.wait([ok, failed, any])
            #expect(try await daemon.state(ok) == "skipped")
            #expect(try await daemon.state(failed) == "completed")
            #expect(try await daemon.state(any) == "completed")
        }

        @Test(.onBuildMachine) func `bodies that are not finished are bounded for each user`() throws {
            let daemon = try Daemon()
            let script = """
                import socket, sys
                held = []
                for _ in range(12):
                    s = socket.socket(socket.AF_UNIX)
                    s.connect(sys.argv[1])
                    s.sendall(b'POST /v1/jobs HTTP/1.1\\r\\nHost: j\\r\\nContent-Length: 4000001\\r\\n\\r\\n' )
                    try: s.sendall(b' ' * 4000000)
                    except OSError: pass
                    held.append(s)
                refused = 0
                for s in held:
                    s.settimeout(0 if refused else 30)
                    try:
                        if b' 429 ' in s.recv(100): refused += 1
                    except OSError: pass
                print(refused)
                """
            // The first of them that is asked waits for its answer; those that are refused have theirs by then.
            let greedy = try JobsProgram.execute(
                JobsProgram.become(60001) + [
                    "/usr/bin/python3", "-c",
                    script.replacingOccurrences(of: "for s in held:", with: "for s in reversed(held):"), daemon.socket,
                ])
            #expect((Int(greedy.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) >= 1, "\(greedy.all)")
            #expect(
                try daemon.ask("POST", "/v1/jobs", body("command: [x]") + String(repeating: " ", count: 4_000_000))
                    .status == 201)
        }

        @Test(.onBuildMachine) func `the history of a job comes in pages`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit("true")
            try await daemon.wait([id])
            for _ in 0..<3 {
                try await daemon.perform("retry", id)
                try await daemon.wait([id])
            }
            let all = try await daemon.client.history(of: id)
            var paged: [JSON] = []
            var after: Int? = 0
            while let start = after {
                let page = try await daemon.client.get("/v1/jobs/\(id)/history?limit=4&after=\(start)")
                paged += page["changes"]?.arrayValue ?? []
                after = page["next"]?.intValue
            }
            #expect(paged == all.map(\.json) && all.count > 8)
        }

        // MARK: The document

        @Test(.onBuildMachine) func `answers are as the document says, whatever is sent`() async throws {
            let daemon = try Daemon()
            let document = try await daemon.client.get("/v1/openapi.json")
            let id = try await daemon.submit("echo out")
            try await daemon.wait([id])
            var requests = APIRequests(document, seed: 20_261_127, knownJob: id)
            for operation in requests.operations {
                for _ in 0..<60 {
                    let request = requests.next(for: operation)
                    let answer = try daemon.exchange(request.text, streams: request.isEndless)
                    let place = "\(request.text.prefix(400))\n→ \(answer.prefix(600))"
                    let problem = requests.problem(of: answer, to: operation, isValid: request.isValid)
                    #expect(problem == nil, "\(problem ?? ""): \(place)")
                }
                // Methods that the path has not.
                for method in ["DELETE", "PATCH", "TRACE", "PUT", "GET", "POST"]
                where !requests.has(method, operation.path) {
                    let path = operation.path.replacingOccurrences(of: "{id}", with: "1")
                    let answer = try daemon.exchange(
                        "\(method) \(path) HTTP/1.1\r\nHost: j\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                        streams: false)
                    #expect(
                        answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("\r\nAllow: "),
                        "\(method) \(path): \(answer)")
                }
            }
            #expect(try await daemon.submit("true") > 0)
        }
    }
}
