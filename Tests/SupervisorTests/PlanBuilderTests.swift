// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Foundation
import JobModel
import Linux
import Sandbox
import Testing

@testable import Supervisor

@Suite struct PlanBuilderTests {
    private func builder(_ spec: JobSpec, environment: [String: String] = [:], id: Int? = nil) -> PlanBuilder {
        PlanBuilder(
            spec: spec, identity: JobIdentity(id: id, name: spec.name, attempt: 2, owner: "pi"),
            environment: environment, directory: "/here",
            seccomp: SeccompFilter.Programs(jobsInit: [1, 2, 3], command: [4]),
            host: .parse(mountinfo: "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw", memberships: "0::/x"))
    }

    private func spec(_ name: String = "x", _ change: (inout JobSpec) -> Void = { _ in }) -> JobSpec {
        var spec = JobSpec(name: name, command: .arguments(["true", "a b"]))
        change(&spec)
        return spec
    }

    private func environment(_ base: [String: String], id: Int? = nil, _ change: (inout JobSpec) -> Void = { _ in })
        throws -> [String: String]
    {
        let lines = try builder(spec("x", change), environment: base, id: id).build().environment
        #expect(lines == lines.sorted(), "in an order that does not change from run to run")
        return Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            })
    }

    @Test func `a job without a command is refused with what to add`() {
        let error = #expect(throws: SupervisorError.self) { try builder(JobSpec(name: "night")).build() }
        #expect(error?.description.contains("'night'") == true)
        #expect(error?.description.contains("command:") == true)
    }

    // MARK: Queues

    @Test func `a working directory that would be hidden is refused, unless nothing is hidden`() throws {
        for (directory, mount, isRefused) in [
            ("/s", true, true), ("/s/x", true, true), ("/sx", true, false), ("/s/x", false, false),
        ] {
            var builder = builder(
                spec {
                    $0.directory = directory
                    ($0.isolation.mount, $0.isolation.maskPaths) = (mount, mount)
                })
            builder.queues = QueueDirectories(state: ["/s"])
            let plan = try? builder.build()
            #expect((plan == nil) == isRefused, "\(directory)")
        }
    }

    // MARK: Environment

    @Test func `the environment is handed on and the job's own wins`() throws {
        let found = try environment(["A": "1", "B": "2", "PATH": "/p"]) { $0.environment = ["B": "3", "C": "x=y"] }
        #expect(found["A"] == "1" && found["B"] == "3" && found["C"] == "x=y" && found["PATH"] == "/p")
    }

    @Test func `without a PATH there is the usual one`() throws {
        #expect(try environment([:])["PATH"] == "/usr/local/bin:/usr/bin:/bin")
        #expect(try environment([:]) { $0.environment = ["PATH": "/mine"] }["PATH"] == "/mine")
    }

    @Test func `what a job knows of itself cannot be set by others`() throws {
        let found = try environment(["JOBS_NAME": "forged"], id: 42) {
            $0.environment = ["JOBS_ID": "1", "JOBS_ATTEMPT": "9"]
            $0.limits.memory = ByteCount(1 << 20)
            $0.limits.cpus = CPUCount(milli: 1500)
            $0.limits.pids = 7
        }
        #expect(found["JOBS_NAME"] == "x" && found["JOBS_ATTEMPT"] == "2" && found["JOBS_ID"] == "42")
        #expect(found["JOBS_MEMORY_LIMIT_BYTES"] == "1048576")
        #expect(found["JOBS_CPUS"] == "1.5" && found["JOBS_PIDS_LIMIT"] == "7")
    }

    @Test func `limits that a job has not are no variables`() throws {
        let found = try environment([:])
        #expect(found.keys.sorted() == ["JOBS_ATTEMPT", "JOBS_NAME", "PATH"])
    }

    @Test func `only a job that runs as somebody else gets a home of theirs`() throws {
        let own = try environment(["HOME": "/h", "USER": "u"])
        #expect(own["HOME"] == "/h" && own["USER"] == "u" && own["LOGNAME"] == nil)
        guard geteuid() == 0 else { return }
        let other = try environment(["HOME": "/h", "USER": "u"]) { $0.user = "daemon" }
        #expect(other["HOME"] == Account.find("daemon")?.home && other["USER"] == "daemon")
        #expect(other["LOGNAME"] == "daemon" && other["SHELL"] != nil)
    }

    @Test func `a user or group that does not exist is refused`() {
        for change in [{ $0.user = "no-such-user" }, { $0.group = "no-such-group" }] as [(inout JobSpec) -> Void] {
            let error = #expect(throws: SupervisorError.self) { try builder(spec("x", change)).build() }
            #expect(error?.description.contains("no-such-") == true)
            #expect(error?.description.contains("getent") == true)
        }
    }

    // MARK: Host name

    @Test(arguments: [
        ("night", "night"), ("Night-2", "Night-2"), ("a_b.c d", "a-b-c-d"), ("-x", "x"), ("--", "job"), ("", "job"),
        ("ünïx", "n-x"), ("日本", "job"), ("a/../b", "a----b"),
    ])
    func `a host name is made of the job's`(_ name: String, _ host: String) throws {
        #expect(try builder(spec(name)).build().hostname == host)
    }

    @Test func `a host name fits`() throws {
        let name = try builder(spec(String(repeating: "x", count: 300))).build().hostname
        #expect(name == String(repeating: "x", count: 60))
    }

    @Test func `a host name that was asked for is taken as it is`() throws {
        #expect(try builder(spec("x") { $0.hostname = "db.example" }).build().hostname == "db.example")
    }

    // MARK: Namespaces

    /// `CLONE_NEW*` of <linux/sched.h>.
    private enum Flag {
        static let mount: UInt64 = 0x2_0000
        static let cgroup: UInt64 = 0x200_0000
        static let uts: UInt64 = 0x400_0000
        static let ipc: UInt64 = 0x800_0000
        static let user: UInt64 = 0x1000_0000
        static let pid: UInt64 = 0x2000_0000
        static let net: UInt64 = 0x4000_0000
        static let time: UInt64 = 0x80
        /// Who is not root needs one to own the others.
        static var needed: UInt64 { geteuid() == 0 ? 0 : user }
    }

    private func namespaces(_ change: (inout Isolation) -> Void) throws -> UInt64 {
        try builder(spec("x") { change(&$0.isolation) }).build().namespaces.rawValue
    }

    private func nothing(_ isolation: inout Isolation) {
        (isolation.pid, isolation.mount, isolation.uts, isolation.ipc) = (false, false, false, false)
    }

    @Test func `the usual namespaces leave the network alone`() throws {
        #expect(try namespaces { _ in } == Flag.pid | Flag.mount | Flag.uts | Flag.ipc | Flag.needed)
    }

    @Test func `each namespace is its own switch`() throws {
        let switches: [((inout Isolation) -> Void, UInt64)] = [
            ({ $0.pid = true }, Flag.pid), ({ $0.mount = true }, Flag.mount), ({ $0.uts = true }, Flag.uts),
            ({ $0.ipc = true }, Flag.ipc), ({ $0.net = true }, Flag.net), ({ $0.cgroup = true }, Flag.cgroup),
            ({ $0.time = TimeOffsets() }, Flag.time),
        ]
        for (change, flag) in switches {
            let found = try namespaces {
                nothing(&$0)
                change(&$0)
            }
            #expect(found == flag | Flag.needed)
        }
        let user = try namespaces {
            nothing(&$0)
            $0.user = true
        }
        #expect(user == Flag.user)
    }

    /// Root in a container is not privileged, so the uid says nothing.
    @Test(arguments: [true, false]) func `a user namespace owns the others where the capability is missing`(held: Bool)
        throws
    {
        var builder = builder(spec())
        builder.mayMakeNamespaces = held
        #expect(try builder.build().namespaces.contains(.user) == !held)
    }

    @Test func `without any there is no user namespace either`() throws { #expect(try namespaces(nothing) == 0) }

    // MARK: The rest

    @Test func `the seccomp filter and the cgroup mount come only when wanted`() throws {
        var plan = try builder(spec()).build()
        #expect(plan.seccomp == [1, 2, 3] && plan.commandSeccomp == [4] && plan.commandMounts.isEmpty)
        var off = builder(
            spec("x") {
                $0.isolation.seccomp = .off
                $0.isolation.cgroup = true
            })
        off.isRoot = true
        plan = try off.build()
        #expect(plan.seccomp.isEmpty && plan.commandSeccomp.isEmpty)
        #expect(plan.commandMounts.map(\.target) == ["/cg", "/cg"])
    }

    @Test func `times, directory, command and resource limits are handed over`() throws {
        let plan = try builder(
            spec("x") {
                $0.limits.wallTime = .seconds(3)
                $0.limits.cpuTime = .seconds(2)
                $0.limits.grace = .seconds(1)
                $0.limits.rlimits = [.nofile: 64, .core: .max, .fsize: 0]
                $0.isolation.time = TimeOffsets(monotonicSeconds: 5, boottimeSeconds: -6)
            }
        ).build()
        #expect(plan.arguments == ["true", "a b"] && plan.directory == "/here")
        #expect(plan.wallTimeUsec == 3_000_000 && plan.cpuTimeUsec == 2_000_000 && plan.graceUsec == 1_000_000)
        #expect(plan.resourceLimits.map(\.resource) == [1, 4, 7])
        #expect(plan.resourceLimits.map(\.hard) == [0, .max, 64])
        #expect(plan.monotonicOffset == 5 && plan.boottimeOffset == -6)
        #expect(try builder(spec("x") { $0.directory = "/there" }).build().directory == "/there")
        #expect(try builder(spec("x") { $0.directory = "there/x" }).build().directory == "/here/there/x")
    }

    @Test func `capabilities are numbers, and none unless asked for`() throws {
        #expect(try builder(spec()).build().capabilities.mask == 0)
        // In a user namespace everything is held, whoever runs the tests.
        var builder = builder(
            spec("x") {
                $0.isolation.user = true
                $0.isolation.capabilities = .named(["CHOWN", "NET_ADMIN", "CHECKPOINT_RESTORE"])
            })
        builder.mapsAllIDs = false
        let plan = try builder.build()
        #expect(plan.capabilities.mask == 1 << 0 | 1 << 12 | 1 << 40)
        // Where all ids are mapped onto themselves, they would count outside.
        builder.mapsAllIDs = true
        let error = #expect(throws: SupervisorError.self) { try builder.build() }
        #expect(error?.description.contains("would count outside") == true)
    }

    @Test func `all capabilities are those that jobs itself holds`() throws {
        var builder = builder(spec { $0.isolation.capabilities = .all })
        builder.mayMakeNamespaces = true
        #expect(try builder.build().capabilities == Credentials.permitted())
        // A namespace of its own has more than we have.
        builder = self.builder(
            spec {
                $0.isolation.user = true
                $0.isolation.capabilities = .all
            })
        builder.mapsAllIDs = false
        #expect(try builder.build().capabilities.mask == .max)
    }

    @Test(arguments: ["new-privileges", "seccomp: off"])
    func `only root's jobs have new privileges or no filter`(name: String) throws {
        var builder = builder(
            spec {
                if name == "new-privileges" { $0.isolation.newPrivileges = true } else { $0.isolation.seccomp = .off }
            })
        builder.isRoot = true
        #expect(throws: Never.self) { try builder.build() }
        builder.isRoot = false
        let error = #expect(throws: SupervisorError.self) { try builder.build() }
        #expect(error?.description.contains("only root's own jobs may have `\(name)`") == true)
    }

    @Test func `only jobs that cannot become root see all of proc, to mount it anew`() throws {
        func masks(_ user: String, _ change: (inout Isolation) -> Void = { _ in }) throws -> Bool {
            var builder = builder(
                spec {
                    $0.user = user
                    $0.isolation.seccomp = .nested
                    change(&$0.isolation)
                })
            (builder.isRoot, builder.mapsAllIDs) = (true, false)
            return try builder.build().mounts.contains { $0.target == "/proc/kcore" }
        }
        #expect(try !masks("1") && masks("0"))
        #expect(try masks("1") { $0.newPrivileges = true })
        #expect(
            try masks("1") {
                $0.user = true
                $0.capabilities = .named(["KILL"])
            })
        #expect(try masks("1") { $0.seccomp = .default })
    }

    /// -1 leaves an id as it is, which is root's.
    @Test func `the number that changes no id is no user`() {
        #expect(Account.find("4294967295") == nil && Account.find("4294967294") != nil)
        let error = #expect(throws: SupervisorError.self) {
            try builder(spec("x") { $0.group = "4294967295" }).build()
        }
        #expect(error?.description.contains("no group") == true)
    }
}
