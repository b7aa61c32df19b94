// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsAPI
import JobsClient
import Linux
import Testing

extension IntegrationTests {
    /// A submission that is sent again under its key is queued once.
    @Suite(.needsRoot) struct RepetitionTests {
        private func body(_ command: String = "true") -> String {
            #"{"job":{"text":"command: [\#(command)]","path":"x.yaml","flags":[["--hold"]]},"directory":"/"}"#
        }

        private func request(_ key: String?, _ body: String) -> String {
            let header = key.map { "Idempotency-Key: \($0)\r\n" } ?? ""
            return "POST /v1/jobs HTTP/1.1\r\nHost: j\r\nConnection: close\r\n\(header)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        private func send(_ daemon: Daemon, _ key: String?, _ body: String) throws -> (status: Int, json: JSON?) {
            let text = try daemon.exchange(request(key, body), streams: false)
            let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            return (status, text.components(separatedBy: "\r\n\r\n").last.flatMap { try? JSON(parsing: $0) })
        }

        private func ids(_ daemon: Daemon) async throws -> [Int] {
            try await daemon.client.jobs(JobQuery()).map(\.id).sorted()
        }

        @Test func `a repetition has the same answer, from the next daemon too, and queues nothing`() async throws {
            let daemon = try Daemon()
            let array =
                #"{"job":{"text":"command: [x]","path":"x.yaml","flags":[["--hold"],["--array","0-4"]]},"directory":"/"}"#
            let first = try send(daemon, "\"a-b\"", array)
            #expect(first.status == 201 && first.json?["id"]?.intValue == 1 && first.json?["count"]?.intValue == 5)
            for signal in [nil, SIGTERM, SIGKILL] {
                if let signal {
                    daemon.kill(signal)
                    try daemon.start()
                }
                // With the quotes of the draft, and without them as most clients send it.
                for key in ["\"a-b\"", "a-b"] {
                    let again = try send(daemon, key, array)
                    #expect(again.status == 201 && again.json == first.json, "\(again)")
                }
            }
            #expect(try await ids(daemon) == Array(1...5))
            #expect(try send(daemon, "a-c", array).json?["id"]?.intValue == 6)
            #expect(try send(daemon, nil, body()).json?["id"]?.intValue == 11)
            #expect(try send(daemon, nil, body()).json?["id"]?.intValue == 12)
        }

        @Test func `another body under the same key is refused, and what was refused may come again`() async throws {
            let daemon = try Daemon()
            #expect(try send(daemon, "k", body("no, such: yaml")).status == 400)
            #expect(try send(daemon, "k", body()).status == 201)
            let other = try send(daemon, "k", body("false"))
            #expect(other.status == 422 && other.json?["error"]?.stringValue?.contains("a key of its own") == true)
            let spacious = body().replacingOccurrences(of: ",", with: " ,\n")
            #expect(try send(daemon, "k", spacious).json?["id"]?.intValue == 1)
            #expect(try await ids(daemon) == [1])
            // A rule that came later does not refuse what was queued before.
            let grouped = #"{"job":{"text":"command: [x]","flags":[["--hold"],["--queue-group","g"]]},"directory":"/"}"#
            #expect(try send(daemon, "grouped", grouped).json?["id"]?.intValue == 2)
            #expect(try daemon.ask("PUT", "/v1/groups", #"{"strict":true}"#).status == 200)
            #expect(try send(daemon, "another", grouped).status == 400)
            #expect(try send(daemon, "grouped", grouped).json?["id"]?.intValue == 2)
        }

        @Test func `a key is a user's own`() async throws {
            let daemon = try Daemon()
            #expect(try send(daemon, "k", body()).json?["id"]?.intValue == 1)
            let client =
                "python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                + "s.sendall(sys.argv[2].encode()); print(s.makefile().read())' \"$1\" \"$2\""
            let other = try JobsProgram.execute(
                JobsProgram.become(60001) + ["sh", "-c", client, "sh", daemon.socket, request("k", body())], in: "/")
            #expect(other.output.contains("\"id\":2"), "\(other.all)")
        }

        @Test func `repetitions that come together have one answer`() async throws {
            let daemon = try Daemon()
            let requests = (0..<5).map { request("k\($0)", body()) }
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<50 {
                    let socket = try daemon.connect()
                    try socket.send(requests[index % 5])
                    group.addTask { socket.readToEnd().components(separatedBy: "\r\n\r\n").last ?? "" }
                }
                var answers: [String] = []
                for try await answer in group { answers.append(answer) }
                return answers
            }
            #expect(Set(answers).count == 5 && answers.allSatisfy { $0.contains("\"id\":") }, "\(Set(answers))")
            #expect(try await ids(daemon) == Array(1...5))
        }

        @Test func `a key that cannot be kept is refused`() async throws {
            let daemon = try Daemon()
            let long = String(repeating: "k", count: 128)
            for key in ["", "\"\"", "\"", "a b", "a\"b", "\"a\\b\"", "ü", long + "k", "a\r\nIdempotency-Key: a"] {
                let answer = try send(daemon, key, body())
                #expect(answer.status == 400, "\(key): \(answer)")
            }
            #expect(try send(daemon, long, body()).status == 201)
        }

        @Test func `kill -9 at any moment of a submission, and its repetition queues it once`() async throws {
            let daemon = try Daemon()
            let rounds = Machine.isBuildMachine ? 60 : 10
            for round in 0..<rounds {
                let text = request("k\(round)", body())
                let socket = try daemon.connect()
                switch round % 3 {
                // Connected; half a request; all of it, and then at any moment up to the answer.
                case 0: break
                case 1: try socket.send(String(text.prefix(text.count / 2)))
                default:
                    try socket.send(text)
                    usleep(UInt32.random(in: 0...4000))
                }
                daemon.kill()
                let heard = socket.readToEnd()
                try daemon.start()
                let answer = try send(daemon, "k\(round)", body())
                #expect(answer.status == 201)
                #expect(answer.json?["id"]?.intValue == round + 1, "\(answer) after \(heard)")
                if heard.hasPrefix("HTTP/1.1 201") { #expect(heard.contains("\"id\":\(round + 1),"), "\(heard)") }
            }
            #expect(try await ids(daemon) == Array(1...rounds))
        }
    }
}
