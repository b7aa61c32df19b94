// SPDX-License-Identifier: Apache-2.0
import Linux
import TestSupport
import Testing

@testable import Sandbox

@Suite struct PlanTests {
    /// A plan with something in every field, different for every seed.
    private func plan(seed: UInt64) -> Plan {
        var random = SplitMix64(seed: seed)
        func number(_ range: ClosedRange<Int> = .min ... .max) -> Int { .random(in: range, using: &random) }
        func flag() -> Bool { .random(using: &random) }
        func text() -> String {
            String(String.UnicodeScalarView((0..<number(0...20)).map { _ in Unicode.Scalar(UInt8(number(0...255))) }))
        }
        func maybe<T>(_ value: T) -> T? { flag() ? value : nil }
        func list<T>(_ element: () -> T) -> [T] { (0..<number(0...5)).map { _ in element() } }
        var plan = Plan()
        plan.arguments = list(text)
        plan.environment = list(text)
        plan.directory = text()
        plan.namespaces = .init(rawValue: UInt64(number(0...Int.max)))
        plan.hostname = maybe(text())
        plan.monotonicOffset = number()
        plan.boottimeOffset = number()
        func mount() -> Mount {
            let system = Mount.FileSystem(text(), source: text(), flags: .noExecution, options: maybe(text()))
            let actions: [Mount.Action] = [
                .makePrivate, .makeSlaves, .fileSystem(system), .emptyDirectory, .emptyFile, .readOnly, .readOnlyTree,
                .directory(text()), .restored(below: text()), .replacement(text()),
            ]
            return Mount(text(), actions[number(0...actions.count - 1)], isOptional: flag())
        }
        plan.mounts = list(mount)
        plan.commandMounts = list(mount)
        plan.initProcess = flag()
        plan.terminal = flag()
        plan.identity = maybe(
            Plan.Identity(uid: .random(in: 0 ... .max, using: &random), gid: 5, groups: list { UInt32(number(0...99)) })
        )
        plan.capabilities = .init(mask: UInt64.random(in: 0 ... .max, using: &random))
        plan.newPrivileges = flag()
        plan.seccomp = list { UInt8(number(0...255)) }
        plan.commandSeccomp = list { UInt8(number(0...255)) }
        plan.umask = maybe(UInt32(number(0...0o777)))
        plan.resourceLimits = list {
            .init(resource: CInt(number(0...15)), soft: UInt64(number(0...9)), hard: UInt64.max - UInt64(number(0...9)))
        }
        plan.wallTimeUsec = maybe(number())
        plan.cpuTimeUsec = maybe(number())
        plan.graceUsec = number()
        plan.cgroupDescriptor = maybe(CInt(number(0...99)))
        plan.v1Descriptors = list { CInt(number(0...99)) }
        plan.cgroupName = text()
        plan.cgroupLeaf = maybe("job")
        plan.killDescriptor = maybe(CInt(number(0...99)))
        plan.processesDescriptor = maybe(CInt(number(0...99)))
        plan.cpuUsageDescriptor = maybe(CInt(number(0...99)))
        var queued = Plan.Queued()
        queued.gateDescriptor = CInt(number(0...99))
        queued.directoryDescriptor = CInt(number(0...99))
        queued.outputLimit = number(0...99)
        queued.outputMilliCPUs = maybe(number())
        queued.outputBytesPerSecond = maybe(number())
        plan.queued = maybe(queued)
        var script = Plan.Script(path: text(), interpreter: list(text))
        script.descriptor = CInt(number(0...99))
        plan.script = maybe(script)
        return plan
    }

    @Test func `a new plan comes back as it is`() {
        #expect(Plan(decoding: Plan().encoded()) == Plan())
    }

    @Test func `every plan comes back as it was`() {
        for seed in UInt64(0)..<300 {
            let plan = plan(seed: seed)
            #expect(Plan(decoding: plan.encoded()) == plan)
        }
    }

    /// Whatever field is added to `Plan`, it must not be forgotten in its code.
    @Test func `no field is left out`() {
        let plain = Plan().encoded()
        var plan = Plan()
        let changes: [(String, (inout Plan) -> Void)] = [
            ("arguments", { $0.arguments = ["x"] }), ("environment", { $0.environment = ["A=1"] }),
            ("directory", { $0.directory = "/x" }), ("namespaces", { $0.namespaces = .init(rawValue: 2) }),
            ("hostname", { $0.hostname = "" }), ("monotonicOffset", { $0.monotonicOffset = 1 }),
            ("boottimeOffset", { $0.boottimeOffset = 1 }),
            ("mounts", { $0.mounts = [Mount("/x", .emptyDirectory)] }),
            ("commandMounts", { $0.commandMounts = [Mount("/c", .replacement("/c/x"))] }),
            ("initProcess", { $0.initProcess = false }), ("terminal", { $0.terminal = true }),
            ("identity", { $0.identity = .init(uid: 0, gid: 0, groups: []) }),
            ("capabilities", { $0.capabilities = .init(mask: 1) }), ("seccomp", { $0.seccomp = [0] }),
            ("newPrivileges", { $0.newPrivileges = true }),
            ("commandSeccomp", { $0.commandSeccomp = [0] }), ("hasCPUSet", { $0.hasCPUSet = true }),
            ("umask", { $0.umask = 0 }),
            ("resourceLimits", { $0.resourceLimits = [.init(resource: 0, soft: 0, hard: 0)] }),
            ("wallTimeUsec", { $0.wallTimeUsec = 0 }), ("cpuTimeUsec", { $0.cpuTimeUsec = 0 }),
            ("graceUsec", { $0.graceUsec = 1 }), ("lingerUsec", { $0.lingerUsec = 1 }),
            ("cgroupDescriptor", { $0.cgroupDescriptor = 0 }),
            ("v1Descriptors", { $0.v1Descriptors = [0] }), ("cgroupName", { $0.cgroupName = "x" }),
            ("cgroupLeaf", { $0.cgroupLeaf = "x" }),
            ("killDescriptor", { $0.killDescriptor = 0 }),
            ("processesDescriptor", { $0.processesDescriptor = 0 }),
            ("cpuUsageDescriptor", { $0.cpuUsageDescriptor = 0 }), ("queued", { $0.queued = .init() }),
            ("script", { $0.script = .init() }),
        ]
        for (name, change) in changes {
            plan = Plan()
            change(&plan)
            #expect(plan.encoded() != plain, "\(name)")
            #expect(Plan(decoding: plan.encoded()) == plan, "\(name)")
        }
        #expect(Set(changes.map(\.0)) == Set(Mirror(reflecting: plan).children.compactMap(\.label)))
    }

    @Test func `a plan cut short is none, wherever it was cut`() {
        let bytes = plan(seed: 5).encoded()
        for count in bytes.indices { #expect(Plan(decoding: Array(bytes[..<count])) == nil, "\(count)") }
    }

    @Test func `more than a plan is none`() {
        #expect(Plan(decoding: Plan().encoded() + [0]) == nil)
        #expect(Plan(decoding: Plan().encoded() + Plan().encoded()) == nil)
    }

    @Test func `no damage brings the decoder down`() {
        var random = SplitMix64(seed: 1)
        for seed in UInt64(0)..<40 {
            let bytes = plan(seed: seed).encoded()
            for _ in 0..<50 {
                var damaged = bytes
                for _ in 0..<4 {
                    damaged[.random(in: damaged.indices, using: &random)] = [0, 1, 0x7f, 0x80, 0xff]
                        .randomElement(using: &random)!
                }
                // What decodes at all is a whole plan that encodes again.
                if let plan = Plan(decoding: damaged) { #expect(Plan(decoding: plan.encoded()) == plan) }
            }
        }
    }

    @Test func `nothing and noise are no plan`() {
        #expect(Plan(decoding: []) == nil)
        #expect(Plan(decoding: [UInt8](repeating: 0xff, count: 4096)) == nil)
        #expect(
            Plan(decoding: Array("#!/bin/sh\necho this is another program's file, not a plan of ours\n".utf8)) == nil)
    }
}
