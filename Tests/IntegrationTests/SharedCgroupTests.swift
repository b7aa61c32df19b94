// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import Glibc
import Linux
import Testing

extension IntegrationTests {
    /// cgroup v2 without systemd: jobs shares its cgroup with the processes that start it, as in a container.
    @Suite(.needsRoot, .needsUnified, .needsNoSystemd) struct SharedCgroupTests {
        /// A cgroup below the top of the tree, to which nobody has handed a controller down, and a process in it.
        private final class Place {
            let path: String
            let neighbour = Foundation.Process()
            /// In front of a command that shall start in there.
            var prefix: [String] { ["sh", "-c", "echo 0 > \(path)/cgroup.procs; exec \"$@\"", "sh"] }

            /// A run of our own has divided the cgroup at the top, which in a namespace holds processes as any other.
            private static let isTopDivided = (try? JobsProgram.run(["--", "true"]).code) == 0

            init(below parent: String? = nil) throws {
                try #require(Self.isTopDivided)
                let mountPoint = try #require(try CgroupHost.detect().unified?.mountPoint)
                path = (parent ?? mountPoint) + "/jobs-test-place-\(UUID().uuidString.prefix(8))"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                neighbour.executableURL = URL(filePath: "/bin/sh")
                // The shell's read returns when the neighbour is in its place.
                let ready = Pipe()
                neighbour.arguments = ["-c", "echo 0 > \(path)/cgroup.procs; echo; exec sleep infinity"]
                neighbour.standardOutput = ready
                try neighbour.run()
                _ = try ready.fileHandleForReading.read(upToCount: 1)
            }

            func membership(of pid: pid_t) throws -> String {
                try String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8).trimmingCharacters(in: .newlines)
            }

            /// The name of the cgroup that the neighbour is in now.
            var whereNeighbourIs: String {
                get throws {
                    try String(#require(membership(of: neighbour.processIdentifier).split(separator: "/").last))
                }
            }

            deinit {
                try? Data("1".utf8).write(to: URL(filePath: path + "/cgroup.kill"), options: [])
                neighbour.waitUntilExit()
                _ = try? JobsProgram.execute(
                    ["find", path, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], in: "/")
            }
        }

        private let limits = Machine.hasMemory ? ["--memory", "64M"] : ["--pids", "64"]

        @Test func `the neighbours are moved once, and it is said once`() throws {
            let place = try Place()
            let first = try JobsProgram.run(limits + ["--", "true"], prefix: place.prefix)
            #expect(first.code == 0 && first.state == "completed", "\(first.all)")
            // jobs itself, timeout(1) around it is outside; and the neighbour.
            #expect(first.errors.contains("moved 2 processes from the cgroup \(place.path) to"), "\(first.all)")
            #expect(try place.whereNeighbourIs == "jobs-others")
            let leaf = place.path + "/jobs-others"
            let second = try JobsProgram.run(
                limits + ["--", "true"], prefix: ["sh", "-c", "echo 0 > \(leaf)/cgroup.procs; exec \"$@\"", "sh"])
            #expect(second.code == 0 && !second.errors.contains("moved"), "\(second.all)")
        }

        @Test func `a script may call jobs run as often as it likes`() throws {
            let place = try Place()
            let jobs = JobsProgram.path
            let words = limits.joined(separator: " ")
            let script = "for i in 1 2 3; do \(jobs) run -q \(words) -- sh -c 'exit 7'; echo $?; done"
            let run = try JobsProgram.execute(place.prefix + ["sh", "-c", script])
            #expect(run.output == "7\n7\n7\n" && run.errors.components(separatedBy: "moved").count == 2, "\(run.all)")
        }

        @Test(.needsMemory) func `the limit limits there`() throws {
            let place = try Place()
            let run = try JobsProgram.run(
                ["--memory", "40M", "--", "stress", "--vm", "1", "--vm-bytes", "100M", "--vm-keep", "--timeout", "20"],
                prefix: place.prefix)
            #expect(run.state == "out-of-memory" && run.cause == "own-limit" && run.code == 137, "\(run.all)")
        }

        @Test func `nobody outside of our own cgroup is moved`() throws {
            let place = try Place()
            let other = try Place()
            let before = try other.membership(of: other.neighbour.processIdentifier)
            let run = try JobsProgram.run(limits + ["--", "true"], prefix: place.prefix)
            #expect(run.code == 0, "\(run.all)")
            #expect(try other.membership(of: other.neighbour.processIdentifier) == before)
            #expect(!FileManager.default.fileExists(atPath: other.path + "/jobs-others"))
        }

        /// The cgroup above has processes of its own, and keeps its controllers.
        @Test func `what cannot be handed down is refused, and nobody is moved for nothing`() throws {
            let above = try Place()
            let place = try Place(below: above.path)
            let run = try JobsProgram.run(["--memory", "64M", "--", "true"], prefix: place.prefix)
            #expect(run.code == 125 && run.errors.contains("cannot enforce memory"), "\(run.all)")
            #expect(try above.whereNeighbourIs == String(#require(above.path.split(separator: "/").last)))
            #expect(try place.whereNeighbourIs == String(#require(place.path.split(separator: "/").last)))
            let without = try JobsProgram.run(["--wall-time", "1h", "--", "true"], prefix: place.prefix)
            #expect(without.code == 0 && without.state == "completed", "\(without.all)")
        }

        @Test func `a queue that a shell has started outlives the shell, and so do its jobs`() throws {
            let place = try Place()
            let scratch = try Scratch()
            let environment = ["JOBS_STATE_DIR": scratch.path + "/state", "JOBS_RUNTIME_DIR": scratch.path + "/run"]
            let (ready, go) = (scratch.fifo("ready"), scratch.fifo("go"))
            let jobs = JobsProgram.path
            let words = limits.joined(separator: " ")
            // Its own session, whose end is hung up on by the kernel.
            let shell = try JobsProgram.execute(
                place.prefix + [
                    "setsid", "--wait", "sh", "-c",
                    "\(jobs) submit \(words) -- sh -c 'echo > \(ready); read x < \(go); exit 5'",
                ], environment: environment)
            #expect(shell.code == 0 && shell.output == "submitted job 1\n", "\(shell.all)")
            #expect(shell.errors.contains("moved") && shell.errors.contains("started jobsd (pid "), "\(shell.all)")
            _ = line(from: ready)
            writeLine(go)
            let wait = try JobsProgram.execute([jobs, "wait", "1"], environment: environment)
            #expect(wait.code == 5, "\(wait.all)")
            // From a cgroup that the daemon is not in.
            let status = try JobsProgram.execute([jobs, "status", "1"], environment: environment)
            #expect(status.code == 0 && status.output.contains("failed"), "\(status.all)")
            let pid = shell.errors.components(separatedBy: "started jobsd (pid ").last?.prefix { $0.isNumber }
            let daemon = try #require(pid.flatMap { pid_t($0) }.flatMap { Linux.Process.find(pid: $0, at: .max) })
            try daemon.signal(SIGTERM)
            _ = daemon.ends(within: -1)
        }

        /// As root hands one to an account where no systemd does: by changing its owner.
        @Test(.needsTester) func `an ordinary user divides a cgroup of their own`() throws {
            let place = try Place()
            // Root's run has controllers handed down to the place, and leaves it divided.
            #expect(try JobsProgram.run(limits + ["--", "true"], prefix: place.prefix).code == 0)
            let own = try JobsProgram.execute(["chown", "-R", "tester", place.path], in: "/")
            #expect(own.code == 0, "\(own.all)")
            let leaf = place.path + "/jobs-others"
            let become = "exec setpriv --reuid tester --regid tester --init-groups \"$@\""
            let prefix = ["sh", "-c", "echo 0 > \(leaf)/cgroup.procs; \(become)", "sh"]
            let run = try JobsProgram.execute(
                prefix + [JobsProgram.path, "run"] + limits + ["--", "sh", "-c", "id -un; cat /proc/1/comm; exit 3"],
                in: "/")
            #expect(run.code == 3 && run.output == "tester\njobs-init\n", "\(run.all)")
        }

        @Test func `doctor finds the place usable, and a whole job works`() throws {
            let place = try Place()
            let doctor = try JobsProgram.execute(place.prefix + [JobsProgram.path, "doctor"])
            #expect(doctor.output.contains("1 process shares \(place.path): the first job moves it"), "\(doctor.all)")
            #expect(doctor.output.contains("tried: jobs get it"), "\(doctor.all)")
            // Looking moves nobody.
            #expect(try place.whereNeighbourIs == String(#require(place.path.split(separator: "/").last)))
        }
    }
}
