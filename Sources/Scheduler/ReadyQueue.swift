// SPDX-License-Identifier: Apache-2.0

/// What all jobs have in common that can only start alike: where the first of them does not fit, none does.
struct Kind: Hashable, Sendable {
    var request: Resources
    var wallTimeUsec: Int?
    var group: String
    /// The array, if it has a limit.
    var array: Int?
}

/// The jobs that wait for room only, in their order.
///
/// A million jobs are mostly of a few kinds. So each kind has a queue of its own, and *an order* holds just the first job of
/// each kind that could start if the machine had room. A kind leaves the order while its array is at its limit or while it
/// is larger than the machine, and a group with a limit has an order of its own, which is passed over while the group is at
/// its limit. What is blocked costs nothing, however many jobs and kinds it is.
struct ReadyQueue: Sendable {
    typealias KindIndex = Int32

    /// The first job of a kind.
    struct Front: Hashable, Comparable, Sendable {
        var rank: Rank
        var kind: KindIndex

        static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
    }

    private struct KindQueue: Sendable {
        let kind: Kind
        var group: Int
        var jobs = SortedSet<Rank>()
        /// All jobs of this kind, also those that run or are not ready.
        var members = 0
        /// Where it stands in the order now.
        var posted: Rank?
    }

    struct Group: Sendable {
        fileprivate(set) var parallel: Int?
        fileprivate(set) var running = 0
        fileprivate var order = SortedSet<Front>()

        var isFull: Bool { parallel.map { running >= $0 } ?? false }
    }

    struct LimitedArray: Sendable {
        fileprivate(set) var parallel: Int
        fileprivate(set) var running = 0
        /// More than one if a retry asks for more than the others.
        fileprivate var kinds: [KindIndex] = []

        var isFull: Bool { running >= parallel }
    }

    private var queues: [KindQueue] = []
    private var unused: [KindIndex] = []
    private var indices: [Kind: KindIndex] = [:]
    /// The first stands for all groups without a limit.
    private var groups = [Group()]
    private var limitedGroups: [String: Int] = [:]
    private var arrays: [Int: LimitedArray] = [:]
    var capacity: Resources {
        didSet { for index in indices.values { post(index) } }
    }

    init(capacity: Resources) { self.capacity = capacity }

    func kind(_ index: KindIndex) -> Kind { queues[Int(index)].kind }
    func group(of index: KindIndex) -> Group { groups[queues[Int(index)].group] }
    func array(of index: KindIndex) -> LimitedArray? { kind(index).array.flatMap { arrays[$0] } }

    // MARK: Membership

    /// - Parameter arrayParallel: the limit of the kind's array; the first of the array decides.
    mutating func join(_ kind: Kind, arrayParallel: Int?) -> KindIndex {
        let index = indices[kind] ?? add(kind, arrayParallel: arrayParallel)
        queues[Int(index)].members += 1
        return index
    }

    private mutating func add(_ kind: Kind, arrayParallel: Int?) -> KindIndex {
        let queue = KindQueue(kind: kind, group: limitedGroups[kind.group] ?? 0)
        let index = unused.popLast() ?? KindIndex(queues.count)
        if index < queues.count { queues[Int(index)] = queue } else { queues.append(queue) }
        indices[kind] = index
        if let array = kind.array {
            arrays[array, default: LimitedArray(parallel: arrayParallel ?? 0)].kinds.append(index)
        }
        return index
    }

    mutating func leave(_ index: KindIndex) {
        queues[Int(index)].members -= 1
        guard queues[Int(index)].members == 0 else { return }
        let kind = kind(index)
        indices[kind] = nil
        unused.append(index)
        guard let array = kind.array else { return }
        arrays[array]?.kinds.removeAll { $0 == index }
        if arrays[array]?.kinds.isEmpty == true { arrays[array] = nil }
    }

    // MARK: Jobs

    /// - Returns: whether it is the first of its kind now; if not, nothing changed for the machine.
    mutating func insert(_ rank: Rank, _ index: KindIndex) -> Bool {
        queues[Int(index)].jobs.insert(rank)
        post(index)
        return queues[Int(index)].jobs.first == rank
    }

    mutating func remove(_ rank: Rank, _ index: KindIndex) {
        queues[Int(index)].jobs.remove(rank)
        post(index)
    }

    /// The first job after `bound` that only the machine's room could keep from starting, and that is the first of its kind.
    func first(after bound: Rank? = nil) -> Front? {
        let bound = bound.map { Front(rank: $0, kind: 0) }
        var first: Front?
        for group in groups where !group.isFull {
            if let front = group.order.first(after: bound), first.map({ front < $0 }) ?? true { first = front }
        }
        return first
    }

    /// The first jobs in their order, also several of one kind, up to the first of a kind that is not `isWanted`.
    func first(_ count: Int, where isWanted: (Kind) -> Bool) -> [Rank] {
        var ranks: [Rank] = []
        var last: Rank?
        // Each kind's first comes before its others, so no kind behind these can be among them.
        for _ in 0..<count {
            guard let front = first(after: last), isWanted(kind(front.kind)) else { break }
            last = front.rank
            var next: Rank? = front.rank
            for _ in 0..<count {
                guard let rank = next else { break }
                ranks.append(rank)
                next = queues[Int(front.kind)].jobs.first(after: rank)
            }
        }
        return Array(ranks.sorted().prefix(count))
    }

    // MARK: Limits

    /// Counts one job more, or one less, as running against the limits of its kind.
    mutating func count(_ change: Int, running index: KindIndex) {
        groups[queues[Int(index)].group].running += change
        guard let array = kind(index).array else { return }
        arrays[array]?.running += change
        postArray(of: index)
    }

    /// Whether one of `index` could start and there would still be a place for `head` in its group and its array.
    ///
    /// Otherwise the head would count as blocked by its group, which gives it no claim on the machine's room.
    func leavesPlace(_ index: KindIndex, for head: KindIndex) -> Bool {
        let group = group(of: head)
        if let parallel = group.parallel, queues[Int(index)].group == queues[Int(head)].group,
            group.running + 1 >= parallel
        {
            return false
        }
        guard let array = array(of: head), kind(index).array == kind(head).array else { return true }
        return array.running + 1 < array.parallel
    }

    /// - Parameter running: the kinds of all running jobs, which were not counted for this group if it had no limit.
    mutating func setParallel(_ parallel: Int?, ofGroup name: String, running: some Sequence<KindIndex>) {
        if let group = limitedGroups[name] { return groups[group].parallel = parallel }
        guard parallel != nil else { return }
        limitedGroups[name] = groups.count
        groups.append(Group(parallel: parallel))
        for (kind, index) in indices where kind.group == name {
            unpost(index)
            queues[Int(index)].group = groups.count - 1
            post(index)
        }
        for index in running where kind(index).group == name {
            groups[0].running -= 1
            groups[groups.count - 1].running += 1
        }
    }

    // MARK: Order

    private mutating func postArray(of index: KindIndex) {
        for other in array(of: index)?.kinds ?? [] { post(other) }
    }

    /// Puts the kind where it belongs in the order.
    private mutating func post(_ index: KindIndex) {
        let kind = kind(index)
        let isBlocked = array(of: index)?.isFull ?? false || !kind.request.fits(in: capacity)
        let rank = isBlocked ? nil : queues[Int(index)].jobs.first
        guard rank != queues[Int(index)].posted else { return }
        unpost(index)
        guard let rank else { return }
        queues[Int(index)].posted = rank
        groups[queues[Int(index)].group].order.insert(Front(rank: rank, kind: index))
    }

    private mutating func unpost(_ index: KindIndex) {
        guard let rank = queues[Int(index)].posted else { return }
        queues[Int(index)].posted = nil
        groups[queues[Int(index)].group].order.remove(Front(rank: rank, kind: index))
    }
}
