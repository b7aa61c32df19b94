// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

extension IntegrationTests {
    /// Language runtimes that size their heap by the job's limits find them, with a view of the cgroup tree and without.
    @Suite(.needsRoot, .needsMemory) struct RuntimeTests {
        static let views: [[String]] = [[], ["--cgroup"]]
        private static let limits = ["--memory", "512M", "--cpus", "1"]

        private static func has(_ program: String) -> Bool {
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
                .contains { access("\($0)/\(program)", X_OK) == 0 }
        }

        private func run(_ view: [String], _ command: [String]) throws -> JobsProgram.Outcome {
            let run = try JobsProgram.run(view + Self.limits + ["--"] + command)
            #expect(run.code == 0, "\(run.all)")
            return run
        }

        /// The rule of all runtimes: the path from `/proc/self/cgroup`, below the mount point from `/proc/self/mountinfo`.
        @Test(arguments: views) func `the limit is where proc says that the cgroup is`(view: [String]) throws {
            let script = """
                import os
                places = {}
                for line in open("/proc/self/cgroup"):
                    number, names, path = line.strip().split(":", 2)
                    for name in names.split(","): places[name] = path
                for line in open("/proc/self/mountinfo"):
                    fields = line.split(" - ")
                    root, mount = fields[0].split()[3:5]
                    kind, _, options = fields[1].split()
                    for name, file in ("memory", "memory.limit_in_bytes"), ("", "memory.max"):
                        if name == "" and kind != "cgroup2" or name and (kind != "cgroup" or name not in options.split(",")):
                            continue
                        path = places[name]
                        below = path[len(root):] if root != "/" and path.startswith(root) else path
                        file = os.path.normpath(mount + "/" + below + "/" + file)
                        # Of several mounts on one place the last is in sight.
                        if os.path.exists(file): print("limit", open(file).read().strip())
                    if kind == "cgroup":
                        try: open(mount + "/cgroup.procs", "w")
                        except OSError: continue
                        print("writable", mount, 0)
                """
            let output = try run(view, ["python3", "-c", script]).output.split(separator: "\n")
            let limit = output.last?.split(separator: " ").last.flatMap { Int($0) } ?? 0
            #expect(!output.contains { $0.hasPrefix("writable") }, "\(output)")
            // In a view of its own the job sees a page more, see OwnView.
            #expect([512 << 20, 512 << 20 + 4096].contains(limit), "\(output)")
        }

        @Test(.enabled(if: has("java"), "java is not installed"), arguments: views)
        func `java`(view: [String]) throws {
            let run = try run(view, ["java", "-XshowSettings:system", "-version"])
            #expect(run.errors.contains("Memory Limit: 512.0"), "\(run.all)")
            #expect(run.errors.contains("Effective CPU Count: 1"), "\(run.all)")
        }

        @Test(.enabled(if: has("node"), "node is not installed"), arguments: views)
        func `node`(view: [String]) throws {
            let script = "console.log(process.constrainedMemory(), require('v8').getHeapStatistics().heap_size_limit)"
            let figures = try run(view, ["node", "-e", script]).output.split(separator: " ")
                .compactMap { Int($0.trimmingCharacters(in: .newlines)) }
            // Half of the memory is the heap's, and some more is its young generation's.
            #expect(
                figures.count == 2 && [512 << 20, 512 << 20 + 4096].contains(figures[0])
                    && (200 << 20...300 << 20).contains(figures[1]), "\(figures)")
        }
    }
}
