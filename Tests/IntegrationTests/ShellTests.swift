// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import JobModel
import JobsClient
import Testing

extension IntegrationTests {
    /// The program where it is typed and where nobody types.
    @Suite struct ShellTests {
        /// Shells do not depend on the kernel, and the virtual machines have not all of them.
        @Test(.onBuildMachine)
        func `shell-init sends our words to the program and others to the builtin in bash, dash, zsh and fish`() throws
        {
            let test = JobsProgram.repository.appending(path: "Tests/shells/test").path
            let run = try JobsProgram.execute([test, JobsProgram.path])
            #expect(run.code == 0, "\(run.all)")
            for shell in ["bash", "dash", "zsh", "fish"] {
                #expect(run.output.contains("shell-init in \(shell): ok"), "\(run.output)")
            }
        }

        /// As cron starts it: no terminal, no HOME, no XDG variables, a short PATH, and `sh -c`, where `jobs` is a builtin.
        @Test(.needsRoot) func `submitting works with the environment of cron`() async throws {
            let scratch = try Scratch()
            let state = scratch.path + "/state"
            let link = scratch.path + "/jobsctl"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: JobsProgram.path)
            func cron(_ command: String) throws -> JobsProgram.Outcome {
                try JobsProgram.execute(
                    [
                        "setsid", "--wait", "env", "-i", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=root",
                        "JOBS_STATE_DIR=\(state)", "/bin/sh", "-c", command,
                    ], in: "/")
            }
            // The first one finds no daemon and starts one, which must not keep cron waiting for its output's end.
            let first = try cron("\(link) submit --wait --name nightly -- sh -c 'echo out; pwd; exit 3' 2>&1")
            #expect(first.code == 3 && first.output.contains("started jobsd"), "\(first.all)")
            let quiet = try cron("\(link) submit --quiet -- true")
            #expect(quiet.code == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.all)")
            let logs = try cron("\(link) logs nightly")
            #expect(logs.output == "out\n/\n", "\(logs.all)")
            let daemon = try await JobsClient(socket: state + "/run/jobs.sock").get("/v1/daemon")
            if let pid = daemon["pid"]?.intValue { kill(pid_t(pid), SIGTERM) }
        }
    }
}
