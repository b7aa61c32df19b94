// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobFile
import JobModel
import JobsAPI
import JobsClient
import Testing

extension IntegrationTests {
    /// Numbers at the edge of what fits, on their whole way: client, daemon, store, scheduler, and back.
    @Suite(.needsRoot, .onBuildMachine) struct ExtremesTests {
        private let numbers = [
            "0", "1", "4294967296", "8192T", "8388607T", "9223372036854775807", "9223372036854775807us",
            "9223372036854775ms", "9223372036854s", "36525d", "1000", "999999999999999999999999999%", "0-99999%9",
            "c 4095:1048575 rwm", "c 3000000000:1", "monotonic=36525d,boottime=36525d", "/:write=8192T",
            "9223372036854775807=1M", "now+36525d", "any:9223372036854775807", "0-65535", "4194304", "64M",
        ]

        @Test func `no number brings the daemon down, now or after a restart`() async throws {
            let daemon = try Daemon()
            var ids: [Int] = []
            for setting in Settings.all {
                guard let flag = setting.flag, !setting.isSwitch, !["user", "group", "array"].contains(flag) else {
                    continue
                }
                for number in numbers {
                    // Held, so that the numbers are stored and come back.
                    let flags = [("hold", nil), ("memory", flag == "memory" ? nil : "64M"), (flag, number)]
                    let given = flags.filter { $0.0 == "hold" || $0.1 != nil }
                    do { ids.append(try await daemon.submit("exit 0", given)) } catch let error as ClientError {
                        #expect("\(error)".contains("no jobsd") == false, "\(flag) \(number): \(error)")
                    }
                }
            }
            #expect(ids.count > numbers.count, "some are right")
            for id in ids { _ = try await daemon.job(id) }
            daemon.kill(SIGKILL)
            try daemon.start()
            for id in ids { #expect(try await daemon.state(id) == "held") }
            #expect(try await daemon.client.get("/v1/jobs?limit=1000")["jobs"]?.arrayValue?.isEmpty == false)
            // Let loose, each is run or refused with a reason, and the daemon answers.
            for id in ids { try? await daemon.perform("release", id) }
            #expect(try await daemon.client.get("/v1/daemon")["version"] != nil)
            for id in ids { try? await daemon.perform("cancel", id) }
            daemon.kill(SIGKILL)
            try daemon.start()
            #expect(try await daemon.client.get("/v1/daemon")["version"] != nil)
        }

        /// Retries whose pause doubles from the longest that there is.
        @Test func `the longest pause is not doubled beyond what fits`() async throws {
            let daemon = try Daemon()
            let id = try await daemon.submit(
                "exit 1", [("retries", "1000"), ("backoff", "36525d"), ("backoff-max", "36525d")])
            try await daemon.wait([id], for: ["pending"])
            daemon.kill(SIGKILL)
            try daemon.start()
            #expect(try await daemon.state(id) == "pending")
        }
    }
}
