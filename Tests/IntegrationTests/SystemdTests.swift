// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsAPI
import JobsClient
import Testing

extension IntegrationTests {
    /// The daemon as the service that `make install` installs.
    @Suite(.needsRoot, .needsSystemd) struct SystemdTests {
        /// The installed unit with places of the test's own, and gone with it.
        private final class Service {
            let scratch: Scratch
            let name = "jobsd-test-\(getpid())"
            var state: String { scratch.path + "/state" }
            var client: JobsClient { JobsClient(socket: state + "/run/jobs.sock") }
            private var path: String { "/run/systemd/system/\(name).service" }

            init() throws {
                scratch = try Scratch()
                let template = try String(
                    contentsOf: JobsProgram.repository.appending(path: "scripts/jobsd.service"), encoding: .utf8)
                try #require(template.contains("ExecStart=@PREFIX@/sbin/jobsd\n"))
                let unit =
                    template
                    .replacing("@PREFIX@/sbin/jobsd", with: JobsProgram.repository.path + "/.build/debug/jobsd")
                    .replacing("StateDirectory=jobs\n", with: "Environment=JOBS_STATE_DIR=\(state)\n")
                    .replacing("RuntimeDirectory=jobs\n", with: "")
                try unit.write(toFile: path, atomically: true, encoding: .utf8)
                try system("daemon-reload")
                try system("start", name)
            }

            @discardableResult func system(_ words: String...) throws -> String {
                let done = try JobsProgram.execute(["systemctl"] + words, in: "/")
                try #require(done.code == 0, "systemctl \(words): \(done.all)\n\(journal())")
                return done.output
            }

            func property(_ name: String) throws -> String {
                try system("show", "--value", "-p", name, self.name).trimmingCharacters(in: .whitespacesAndNewlines)
            }

            func journal(_ matches: String...) -> String {
                let words = ["journalctl", "-q", "--no-pager", "-o", "json", "-u", name] + matches
                return (try? JobsProgram.execute(words, in: "/"))?.output ?? ""
            }

            deinit {
                _ = try? JobsProgram.execute(["systemctl", "stop", name], in: "/")
                unlink(path)
                _ = try? JobsProgram.execute(["systemctl", "daemon-reload"], in: "/")
            }
        }

        private func submit(_ script: String, to service: Service) async throws -> Int {
            let file = JSON.object(["command": .array([.string("sh"), .string("-c"), .string(script)])]).text()
            let source = JSON.object(["text": .string(file), "path": .string("test.yaml")])
            let body = Submission(job: source, environment: [:], directory: "/").json
            return try #require(try await service.client.post("/v1/jobs", body)["id"]?.intValue)
        }

        @Test func `a restart of the service leaves running jobs alone and finds them again`() async throws {
            let service = try Service()
            // `start` has returned, so it has said READY.
            #expect(try service.property("ActiveState") == "active")
            #expect(try service.property("StatusText") == "0 running, 0 waiting")
            #expect(try service.property("WatchdogTimestamp") != "")
            let first = try service.property("MainPID")
            let (ready, go) = (service.scratch.fifo("ready"), service.scratch.fifo("go"))
            let id = try await submit(
                "echo before; echo > \(ready); read x < \(go); echo after; exit 7", to: service)
            _ = line(from: ready)
            try service.system("restart", service.name)
            #expect(try service.property("MainPID") != first)
            let found = try await service.client.get("/v1/jobs/\(id)")
            #expect(found["job"]?["state"]?.stringValue == "running", "\(found.text())\n\(service.journal())")
            let wait = Task { [client = service.client] in
                try await client.follow(jobs: [id]) { event in
                    if case .state(let change) = event, change.state == .failed { true } else { nil }
                }
            }
            writeLine(go)
            _ = try await wait.value
            let account = try await service.client.get("/v1/jobs/\(id)")
            let record = try #require(account["attempts"]?.arrayValue?.last)
            #expect(record["exit"]?["code"]?.intValue == 7 && record["job"]?["attempt"]?.intValue == 1)
            #expect(record["usage"]?["cpu_usage_usec"]?.intValue ?? 0 > 0, "\(record.text())")
            let entries = service.journal("JOB_ID=\(id)")
            #expect(
                entries.contains("\"JOB_STATE\":\"failed\"") && entries.contains("\"JOB_ATTEMPT\":\"1\""), "\(entries)")
        }

        @Test func `stopping leaves no process of the daemon's and no job without its account`() async throws {
            let service = try Service()
            let (ready, done) = (service.scratch.fifo("ready"), service.scratch.fifo("done"))
            let id = try await submit("echo > \(ready); sleep 0.5; echo > \(done)", to: service)
            _ = line(from: ready)
            try service.system("stop", service.name)
            // It runs on without a daemon.
            _ = line(from: done)
            try service.system("start", service.name)
            let state = try await service.client.follow(jobs: [id]) { [client = service.client] _ -> String? in
                let state = try await client.get("/v1/jobs/\(id)")["job"]?["state"]?.stringValue ?? ""
                return state == "running" ? nil : state
            }
            #expect(state == "completed", "\(service.journal())")
        }
    }
}
