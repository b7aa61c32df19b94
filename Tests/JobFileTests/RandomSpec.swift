// SPDX-License-Identifier: Apache-2.0

import JobModel

/// Any job that a job file can describe: every field is sometimes at its default and sometimes not.
func randomSpec() -> JobSpec {
    var spec = JobSpec(name: name(), command: command())
    spec.summary = maybe(text())
    spec.directory = maybe(text())
    spec.environment = Dictionary(some { ("V" + text().filter { $0 != "=" }, randomText()) }) { $1 }
    spec.user = maybe(text())
    spec.group = maybe("65534")
    spec.hostname = maybe("node-1.example")
    spec.umask = maybe(UInt32.random(in: 0...0o777))
    spec.oom = Bool.random() ? .killJob : .killProcess
    spec.export =
        [
            .none, .all,
            .some(
                someAtLeastOne { .init(name: "N" + text().filter { !"= \t".contains($0) }, value: maybe(randomText())) }
            ),
        ]
        .randomElement() ?? .none
    spec.limits = limits()
    spec.isolation = isolation()
    spec.scheduling = scheduling()
    // What would contradict.
    if spec.limits.memory == nil {
        spec.limits.swap = .bytes(ByteCount(0))
        spec.scheduling.retry.memoryFactor = nil
    }
    if let memory = spec.limits.memory {
        spec.limits.memorySoft = spec.limits.memorySoft.map { min($0, memory) }
        spec.scheduling.retry.memoryCeiling = spec.scheduling.retry.memoryCeiling.map { max($0, memory) }
    }
    if spec.scheduling.retry.memoryFactor == nil { spec.scheduling.retry.memoryCeiling = nil }
    if !spec.isolation.mount {
        spec.isolation.privateTmp = false
        if spec.isolation.shm == .private { spec.isolation.shm = nil }
        spec.isolation.maskPaths = false
    }
    if !spec.isolation.pid { spec.isolation.initProcess = true }
    if !spec.isolation.uts { spec.hostname = nil }
    return spec
}

/// What YAML, shells and JSON may each make something else of.
func randomText() -> String {
    let pieces = [
        "a", "Z", "0", " ", "\n", "\r\n", "\t", "\"", "'", "\\", "/", ": ", " # ", "{", "]", ",", "?", "%", "=", "é",
        "😀",
        "\u{1}", "\u{7f}", "\u{85}", "\u{2028}", "\u{feff}", "null", "yes", "1e3", "0x10", "1.10", "~", "&a", "*a",
        "- ", "!!int",
        "<<", "---", "none",
    ]
    return (0..<Int.random(in: 0...6)).map { _ in pieces.randomElement() ?? "" }.joined()
}

private func maybe<T>(_ value: T) -> T? { Bool.random() ? value : nil }
private func some<T>(_ make: () -> T) -> [T] { Bool.random() ? [] : someAtLeastOne(make) }
private func someAtLeastOne<T>(_ make: () -> T) -> [T] { (0..<Int.random(in: 1...4)).map { _ in make() } }
private func count(_ most: Int = 1 << 40) -> Int { Int.random(in: 1...Int.random(in: 1...most)) }
private func text() -> String { randomText() + "x" }
private func memory() -> ByteCount { max(size(), Limits.leastMemory) }
private func size() -> ByteCount { ByteCount(count(1 << 33) << [0, 0, 10, 20].randomElement().unsafelyUnwrapped) }
private func time(from least: Int = 1) -> JobDuration {
    JobDuration(
        microseconds: max(
            least,
            count(1 << 31) / [1, 1000, 1_000_000].randomElement().unsafelyUnwrapped
                * [1, 1000, 1_000_000].randomElement()!))
}
private func cpus() -> CPUCount { CPUCount(milli: Int.random(in: 10...Int.random(in: 10...1_000_000))) }
private func name() -> String {
    ["nightly", "a,b?c:d\\", " 41", "41", "été 😀", "x.y", "null", "1e3", "~"].randomElement() ?? "x"
}

private func command() -> Command {
    switch Int.random(in: 0...2) {
    case 0: .shell(text())
    case 1: .arguments([text()] + some(randomText))
    default: .arguments(["/srv/" + text()] + some(randomText))
    }
}

private func limits() -> Limits {
    var limits = Limits()
    limits.memory = maybe(memory())
    limits.swap = [.bytes(ByteCount(0)), .bytes(size()), .unlimited].randomElement() ?? .unlimited
    limits.memorySoft = maybe(memory())
    limits.cpus = maybe(cpus())
    limits.cpuWeight = maybe(Int.random(in: 1...10000))
    limits.cpuset = maybe(IDSet(someAtLeastOne { Int.random(in: 0...100) }))
    limits.pids = maybe(count(4_194_304))
    for number in Set(some { Int.random(in: 0...3) }) {
        var limit = DeviceIOLimit(device: ["/dev/sda", "8:0", "/mnt/a b", "259:3"][number])
        limit.readBytesPerSecond = maybe(size().bytes)
        limit.writeBytesPerSecond = maybe(size().bytes)
        limit.readOperationsPerSecond = maybe(count(1_000_000_000))
        limit.writeOperationsPerSecond = limit == DeviceIOLimit(device: limit.device) ? 1 : maybe(count(1_000_000_000))
        limits.io.append(limit)
    }
    limits.hugepages = Dictionary(some { (ByteCount(1 << Int.random(in: 0...34)), ByteCount(size().bytes - 1)) }) { $1 }
    limits.devices = maybe((Bool.random() ? DeviceRule.standard : []) + some(device))
    limits.wallTime = maybe(time())
    limits.cpuTime = maybe(time())
    limits.grace = Bool.random() ? .seconds(5) : time(from: 0)
    limits.rlimits[.nofile] = maybe(UInt64(count(Int(Int32.max))))
    for kind in [ResourceLimit.core, .stack, .fsize] {
        limits.rlimits[kind] = maybe(Bool.random() ? .max : UInt64(size().bytes - 1))
    }
    limits.linger = Bool.random() ? limits.linger : time(from: 0)
    limits.output = Bool.random() ? limits.output : size()
    return limits
}

private func device() -> DeviceRule {
    let letters = Int.random(in: 1...7)
    let number = { Bool.random() ? nil : Int.random(in: 0...300) }
    return DeviceRule(
        target: Bool.random() ? .path("/dev/fuse") : .number(block: .random(), major: number(), minor: number()),
        read: letters & 1 != 0, write: letters & 2 != 0, mknod: letters & 4 != 0)
}

private func isolation() -> Isolation {
    var isolation = Isolation()
    isolation.pid = .random()
    isolation.mount = .random()
    isolation.uts = .random()
    isolation.ipc = .random()
    isolation.shm = maybe(SharedMemory.allCases.randomElement() ?? .host)
    isolation.net = .random()
    isolation.user = .random()
    isolation.cgroup = .random()
    isolation.time = maybe(
        TimeOffsets(monotonicSeconds: maybe(count(1 << 30)) ?? 0, boottimeSeconds: maybe(count(1 << 30)) ?? 0))
    isolation.privateTmp = .random()
    isolation.seccomp = SeccompProfile.allCases.randomElement() ?? .off
    isolation.maskPaths = .random()
    isolation.capabilities = maybe(.all) ?? .named(Set(some { Capability.names.randomElement() ?? "KILL" }))
    isolation.newPrivileges = .random()
    isolation.submit = .random()
    isolation.initProcess = .random()
    return isolation
}

private func scheduling() -> Scheduling {
    var wanted = Scheduling()
    wanted.priority = maybe(Int.random(in: -1000...1000)) ?? 0
    wanted.group = maybe(name()) ?? Scheduling.defaultGroup
    wanted.memoryRequest = maybe(memory())
    wanted.cpusRequest = maybe(cpus())
    wanted.after = maybe(
        Dependency(
            someAtLeastOne {
                someAtLeastOne {
                    .init(
                        Dependency.Condition.allCases.randomElement() ?? .ok,
                        Bool.random() ? .id(count()) : .name(name()))
                }
            }))
    wanted.begin = maybe(Timestamp(microsecondsSinceEpoch: Int.random(in: 0...253_402_300_799_999_999)))
    wanted.held = .random()
    wanted.array = maybe(
        ArrayRange(indices: IDSet(someAtLeastOne { Int.random(in: 0...100_000) }), parallel: maybe(count())))
    wanted.retry.retries = maybe(Int.random(in: 1...1000)) ?? 0
    wanted.retry.states = [JobState.failed, .timeout, .lost].filter { _ in Bool.random() }
    let pauses = [time(from: 0), time(from: 0)].sorted()
    if Bool.random() { (wanted.retry.backoff, wanted.retry.backoffCeiling) = (pauses[0], pauses[1]) }
    wanted.retry.memoryFactor = maybe(Bool.random() ? 2 : Double.random(in: 1.001...100))
    wanted.retry.memoryCeiling = maybe(memory())
    return wanted
}
