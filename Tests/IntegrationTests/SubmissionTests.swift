// SPDX-License-Identifier: Apache-2.0
import Foundation
import JobModel
import Testing

extension IntegrationTests {
    /// What a submission says that does not do what it seems to, told at the submission.
    @Suite(.needsRoot) struct SubmissionTests {
        private func jobs(
            _ daemon: Daemon, _ words: String..., environment: [String: String] = [:]
        ) throws -> JobsProgram.Outcome {
            try JobsProgram.execute(
                [JobsProgram.path] + words, environment: environment.merging(["JOBS_STATE_DIR": daemon.state]) { $1 },
                in: daemon.scratch.path)
        }

        private func script(_ daemon: Daemon, _ text: String, name: String = "x.sh") throws -> String {
            let path = daemon.scratch.path + "/" + name
            try Data(text.utf8).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            return path
        }

        @Test func `everything behind the name is the script's`() throws {
            let daemon = try Daemon()
            let path = try script(daemon, "#!/bin/sh\nprintf '<%s>' \"$@\"\n")
            let words = ["--quiet", "--wait", "--memory", "9G", "--", "-q", "--parsable"]
            let expected = words.map { "<\($0)>" }.joined()
            let run = try JobsProgram.execute([JobsProgram.path, "run", "-q", path] + words)
            #expect(run.output == expected, "\(run.all)")
            let submitted = try JobsProgram.execute(
                [JobsProgram.path, "submit", "--parsable", "--wait", "-q", path] + words,
                environment: ["JOBS_STATE_DIR": daemon.state])
            #expect(submitted.output == "1\n" && submitted.errors.isEmpty, "\(submitted.all)")
            #expect(try jobs(daemon, "logs", "1").output == expected)
        }

        @Test func `a group that nobody has made is told, and refused where that is wanted`() throws {
            let daemon = try Daemon()
            func submit(_ group: String) throws -> JobsProgram.Outcome {
                try jobs(daemon, "submit", "--parsable", "--hold", "--queue-group", group, "--", "true")
            }
            #expect(try jobs(daemon, "group", "gpu", "--parallel", "1").code == 0)
            #expect(try submit("gpu").errors.isEmpty)
            let told = try submit("gup")
            #expect(told.code == 0 && told.errors.contains("nobody has made the group 'gup'"), "\(told.all)")
            #expect(told.errors.contains("did you mean 'gpu'?"), "\(told.all)")
            #expect(try submit("gup").errors.isEmpty, "one of its jobs waits")
            #expect(try jobs(daemon, "group", "--strict", "on").code == 0)
            daemon.kill()
            try daemon.start()
            let refused = try submit("gup")
            #expect(refused.code == 65 && refused.errors.contains("there is no group 'gup'"), "\(refused.all)")
            #expect(try submit("gpu").code == 0 && submit("default").code == 0)
            // Nothing is lifted of a group that is there.
            #expect(try jobs(daemon, "group", "gpu", "--create").output.contains("gpu           1"))
            #expect(try jobs(daemon, "group", "gup", "--create").code == 0)
            #expect(try submit("gup").code == 0)
            for bad in ["", "[]", #"{"strict":1}"#, #"{"strict":true,"x":1}"#] {
                #expect(try daemon.ask("PUT", "/v1/groups", bad).status == 400, "\(bad)")
            }
        }

        @Test(arguments: [
            (
                #"{"memory":"1G","job":{"text":"command: x","path":"x.yaml"},"directory":"/"}"#,
                "settings of the job stand in"
            ),
            (#"{"enviroment":{},"job":{"text":"command: x"},"directory":"/"}"#, "did you mean 'environment'?"),
            (#"{"job":{"text":"command: x","flag":[]},"directory":"/"}"#, "did you mean 'flags'?"),
            (#"{"job":{"text":"command: x"},"directory":"/","rlimits":{"nofiles":1}}"#, "did you mean 'nofile'?"),
            (#"{"job":{"text":"command: x"},"directory":"/","umask":512}"#, "umask"),
            (#"{"job":{"text":"command: x"},"directory":"/","umask":"022"}"#, "umask"),
            (#"{"job":{"text":"command: x\nlimits: {memory: 100}"},"directory":"/"}"#, "did you mean 100M?"),
        ])
        func `an unknown key or a size without its unit is refused`(_ body: String, _ reason: String) throws {
            let daemon = try Daemon()
            let answer = try daemon.ask("POST", "/v1/jobs", body)
            #expect(answer.status == 400 && answer.text.contains(reason), "\(answer.text)")
        }

        @Test func `lines for another batch system are told, and those for Slurm read on request`() async throws {
            let daemon = try Daemon()
            let path = try script(daemon, "#!/bin/sh\n#SBATCH --mem=64M --gres=gpu:1\n#SBATCH -J slurmy\ntrue\n")
            let told = try jobs(daemon, "submit", "--parsable", "--hold", path)
            #expect(told.code == 0 && told.errors.contains("#SBATCH lines are not read"), "\(told.all)")
            #expect(try await daemon.job(1)["memory_limit_bytes"]?.intValue == nil)
            let read = try jobs(daemon, "submit", "--parsable", "--hold", "--from-slurm", "--cpus", "2", path)
            #expect(read.code == 0 && read.errors.contains("not read from #SBATCH lines: --gres=gpu:1"), "\(read.all)")
            let job = try await daemon.job(2)
            #expect(job["memory_limit_bytes"]?.intValue == 64 << 20 && job["name"]?.stringValue == "slurmy")
            let run = try JobsProgram.execute([JobsProgram.path, "run", path])
            #expect(run.code == 0 && run.errors.contains("#SBATCH lines are not read"), "\(run.all)")
            #expect(try !JobsProgram.execute([JobsProgram.path, "run", "-q", path]).errors.contains("#SBATCH"))
        }

        @Test func `what cannot start is told at the submission`() throws {
            let daemon = try Daemon()
            _ = try script(daemon, "#!/bin/sh\n", name: "tool")
            let place = daemon.scratch.path
            func told(_ words: String..., path: String? = nil) throws -> String {
                let environment = ["JOBS_STATE_DIR": daemon.state].merging(path.map { ["PATH": $0] } ?? [:]) { $1 }
                let outcome = try JobsProgram.execute(
                    [JobsProgram.path, "submit", "--parsable", "--hold"] + words, environment: environment, in: place)
                #expect(outcome.code == 0, "\(outcome.all)")
                return outcome.errors
            }
            #expect(try told("--", "true").isEmpty)
            #expect(try told("--", "./tool").isEmpty)
            #expect(try told("--directory", "no/such", "--", "true").contains("\(place)/no/such"))
            #expect(try told("--user", "no-such-user", "--", "true").contains("no user 'no-such-user'"))
            let own = "/usr/bin:/bin:" + place
            let missing = try told("--", "tool", path: own)
            #expect(missing.contains("/usr/local/bin:/usr/bin:/bin"), "\(missing)")
            #expect(missing.contains("yours finds \(place)/tool: --export PATH"), "\(missing)")
            #expect(try told("--export", "PATH", "--", "tool", path: own).isEmpty)
            #expect(try told("--env", "PATH=\(place)", "--", "tool").isEmpty)
            #expect(try told("--", "no-such-tool").contains("yours does not find it either"))
            #expect(try told("--", "./no-such-tool").contains("\(place)/./no-such-tool cannot be executed"))
            #expect(try told("--", place + "/state/jobs.db").contains("may not be executed"))
            #expect(try told("--cpuset", "0,4000", "--", "true").contains("and not 4000"))
            #expect(try told("--devices", "/dev/no-such:rw", "--", "true").contains("/dev/no-such"))
            #expect(try told("--memory", "900G", "--", "true").contains("needs 900G of memory, 1G is all"))
            #expect(
                try told("--export", "NO_SUCH_VARIABLE,A=1", "--", "true").contains("not set here: NO_SUCH_VARIABLE"))
            #expect(try jobs(daemon, "drain").code == 0)
            #expect(try told("--", "true").contains("the queue is draining"))
            #expect(try jobs(daemon, "submit", "-q", "--", "no-such-tool").errors.isEmpty)
        }

        @Test func `what is not UTF-8 is refused with the reason`() throws {
            let daemon = try Daemon()
            let state = "JOBS_STATE_DIR=\(daemon.state)"
            func shell(_ text: String) throws -> JobsProgram.Outcome {
                try JobsProgram.execute(
                    ["bash", "-c", text, JobsProgram.path], environment: ["JOBS_STATE_DIR": daemon.state],
                    in: daemon.scratch.path)
            }
            let word = try shell(#"exec "$0" submit -- rm $'f\xe9'"#)
            #expect(word.code == 64 && word.errors.contains("is not UTF-8"), "\(state) \(word.all)")
            for verb in ["run -q", "submit"] {
                let place = try shell("mkdir -p $'d\\xe9' && cd $'d\\xe9' && exec \"$0\" \(verb) -- true")
                #expect(
                    place.code != 0 && place.errors.contains("the name of the current directory is not UTF-8"),
                    "\(place.all)")
            }
            let file = try shell(#"printf '#!/bin/sh\n\necho caf\xe9\n' > l.sh && exec "$0" submit ./l.sh"#)
            #expect(file.code == 64 && file.errors.contains("line 3 is not UTF-8"), "\(file.all)")
            for policy in ["ALL", "A,ODD"] {
                let odd = try shell("export ODD=$'\\xe9'; exec \"$0\" submit --export \(policy) -- true")
                #expect(odd.code == 64 && odd.errors.contains("would send ODD"), "\(odd.all)")
            }
            #expect(try shell(#"export ODD=$'\xe9'; exec "$0" submit --hold -- true"#).errors.isEmpty)
        }

        @Test func `a script runs as it was submitted, by its path as long as that is the same`() async throws {
            let daemon = try Daemon()
            let text = "#!/bin/sh\n#JOB --hold\nprintf '%s ' \"$0\" \"$@\"; echo first\n"
            for (index, change) in ["", "echo 'echo second' > x.sh", "rm x.sh", "rm x.sh; mkfifo x.sh", "chmod 0 x.sh"]
                .enumerated()
            {
                try? FileManager.default.removeItem(atPath: daemon.scratch.path + "/x.sh")
                let path = try script(daemon, text)
                let id = index + 1
                #expect(try jobs(daemon, "submit", "--parsable", path, "a b").output == "\(id)\n")
                #expect(try JobsProgram.execute(["sh", "-c", change], in: daemon.scratch.path).code == 0)
                #expect(try jobs(daemon, "show", "\(id)").output == text)
                #expect(try jobs(daemon, "status", "\(id)").output.contains("kept as it was submitted"))
                // A later daemon has it from its store.
                daemon.kill()
                try daemon.start()
                try await daemon.perform("release", id)
                try await daemon.wait([id])
                let output = try await daemon.output(id)
                if change.isEmpty {
                    #expect(output == "\(path) a b first\n")
                } else {
                    #expect(
                        output.hasPrefix("/proc/self/fd/") && output.hasSuffix(" a b first\n"), "\(change): \(output)")
                }
            }
        }

        @Test func `what was kept is read with the job's rights and interpreter`() async throws {
            let daemon = try Daemon()
            let place = daemon.scratch.path
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place)
            let path = try script(daemon, "#!/usr/bin/env -S sh -e\nfalse\necho no\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            func submit(_ words: String...) throws -> JobsProgram.Outcome {
                try JobsProgram.execute(
                    JobsProgram.become(60001) + [
                        JobsProgram.path, "submit",
                        "--parsable", "--hold",
                    ] + words,
                    environment: ["JOBS_STATE_DIR": daemon.state], in: place)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: daemon.state)
            #expect(try submit(path).code == 0)
            // Of the largest size, and different in its last byte alone.
            let long =
                String(repeating: "#" + String(repeating: "x", count: 1022) + "\n", count: 2000) + "id -u; exit 3\n"
            let large = try script(daemon, "#!/bin/sh\n" + long, name: "large.sh")
            #expect(try submit(large).code == 0)
            try FileManager.default.removeItem(atPath: path)
            _ = try script(daemon, "#!/bin/sh\n" + long.dropLast(2) + "4\n", name: "large.sh")
            for id in [1, 2] { try await daemon.perform("release", id) }
            try await daemon.wait([1, 2])
            #expect(try await daemon.job(1)["exit_code"]?.intValue == 1)
            #expect(try await daemon.output(1).isEmpty)
            #expect(try await daemon.job(2)["exit_code"]?.intValue == 3)
            #expect(try await daemon.output(2) == "60001\n")
            let foreign = try JobsProgram.execute(
                JobsProgram.become(60002) + [JobsProgram.path, "show", "1"],
                environment: ["JOBS_STATE_DIR": daemon.state], in: "/")
            #expect(foreign.code == 77, "\(foreign.all)")
        }

        @Test func `a job begins at the time of the submitter's clock`() throws {
            let daemon = try Daemon()
            func submit(_ begin: String, _ words: String..., zone: String = "Europe/Berlin") throws
                -> JobsProgram.Outcome
            {
                try JobsProgram.execute(
                    [JobsProgram.path, "submit", "--begin", begin] + words + ["--", "true"],
                    environment: ["JOBS_STATE_DIR": daemon.state, "TZ": zone])
            }
            let told = try submit("2999-07-01 22:00", zone: "XXX-3")
            #expect(
                told.output == "submitted job 1, not to begin before 2999-07-01 22:00:00 local time\n", "\(told.all)")
            let begin = try jobs(daemon, "status", "--json", "1").output
            #expect(try JSON(parsing: begin)["job"]?["begin"]?.stringValue == "2999-07-01T19:00:00.000000Z", "\(begin)")
            for past in ["2001-01-01", "2001-01-01T00:00:00Z"] {
                let refused = try submit(past)
                #expect(refused.code == 64 && refused.errors.contains("--allow-past"), "\(refused.all)")
                #expect(try submit(past, "--allow-past", "--wait", "--quiet").code == 0)
            }
            for coming in ["now", "22:00", "tomorrow 6:00", "now + 2 hours"] { #expect(try submit(coming).code == 0) }
        }

        @Test func `a job starts no daemon that would end with it`() throws {
            let scratch = try Scratch()
            let state = scratch.path + "/state"
            for isHidden in [false, true] {
                // A queue's directories are hidden from jobs, so that nothing can be made in them.
                if isHidden {
                    try FileManager.default.createDirectory(
                        atPath: state + "/run", withIntermediateDirectories: true)
                }
                let inner = try JobsProgram.execute(
                    [JobsProgram.path, "run", "-q", "--", JobsProgram.path, "submit", "--", "true"],
                    environment: ["JOBS_STATE_DIR": state])
                #expect(inner.code == 69 && inner.errors.contains("would end with the job"), "\(inner.all)")
                #expect(!FileManager.default.fileExists(atPath: state + "/jobs.db"))
            }
        }
    }
}
