// SPDX-License-Identifier: Apache-2.0
import JobModel

/// The memory controller, one conformance per kernel interface.
package protocol MemoryController {
    static func apply(_ limits: Limits, oom: OOMPolicy, to directory: CgroupDirectory) throws(CgroupError)
    static func readBack(_ directory: CgroupDirectory, into limits: inout EffectiveLimits)
    /// The limit of one cgroup, `nil` for none.
    static func limit(of directory: CgroupDirectory) -> Int?
    /// Bytes charged now.
    static func current(of directory: CgroupDirectory) -> Int?
    /// - Parameter stat: the cgroup's `memory.stat`.
    static func usage(of directory: CgroupDirectory, _ stat: FlatKeyed, into usage: inout UsageReading)
    static func split(of directory: CgroupDirectory, _ stat: FlatKeyed) -> MemorySplit
    static func oom(of directory: CgroupDirectory) -> OOMCounters
    /// A counter of one ancestor that rises when that ancestor's own limit causes an OOM.
    static func ancestorCounter(of directory: CgroupDirectory) -> Int?
}

extension CgroupDirectory {
    var memoryStat: FlatKeyed { FlatKeyed(read("memory.stat")) }
}

extension CgroupVersion {
    var memoryController: any MemoryController.Type { self == .v2 ? MemoryV2.self : MemoryV1.self }
}

/// What memory consists of at one moment; `nil` where the kernel does not say.
package struct MemorySplit: Hashable, Sendable {
    package var anon: Int?
    package var file: Int?
    package var shmem: Int?
    package var kernel: Int?

    package init(anon: Int? = nil, file: Int? = nil, shmem: Int? = nil, kernel: Int? = nil) {
        self.anon = anon
        self.file = file
        self.shmem = shmem
        self.kernel = kernel
    }

    /// The larger of each part.
    package mutating func formUnion(_ other: MemorySplit) {
        func larger(_ a: Int?, _ b: Int?) -> Int? { a.map { max($0, b ?? $0) } ?? b }
        anon = larger(anon, other.anon)
        file = larger(file, other.file)
        shmem = larger(shmem, other.shmem)
        kernel = larger(kernel, other.kernel)
    }
}

/// What the kernel counted about OOM kills in one cgroup and below.
package struct OOMCounters: Hashable, Sendable {
    /// Kill actions of any OOM killer.
    package var kills = 0
    /// Times this cgroup's own limit was the cause; `nil` on v1, which does not say.
    package var ownLimitEvents: Int?
    package var groupKills: Int?
    /// v1 only: how often the limit was reached; `nil` where the kernel does not count it.
    package var limitHits: Int?
    /// v1 only: the limit was reached at all, a hint at the cause for want of better.
    package var reachedLimit: Bool?

    package init(
        kills: Int = 0, ownLimitEvents: Int? = nil, groupKills: Int? = nil, limitHits: Int? = nil,
        reachedLimit: Bool? = nil
    ) {
        self.reachedLimit = reachedLimit
        self.kills = kills
        self.ownLimitEvents = ownLimitEvents
        self.groupKills = groupKills
        self.limitHits = limitHits
    }
}

/// Figures read from a cgroup, and for each that is missing the reason.
package struct UsageReading: Sendable {
    package var usage = Usage()
    package var unavailable: [String: String] = [:]
    /// Key of a figure → what is missing in it.
    package var partial: [String: String] = [:]
    /// Forks that were refused by a limit above the attempt.
    package var forksRefusedAbove = 0
    /// What was counted of OOM kills, from the same reading.
    package var oom = OOMCounters()

    package init() {}

    /// Records `value`, or why there is none.
    package mutating func set(
        _ key: String, _ path: WritableKeyPath<Usage, Int?>, _ value: Int?, otherwise reason: String
    ) {
        usage[keyPath: path] = value
        if value == nil { unavailable[key] = reason }
    }
}
