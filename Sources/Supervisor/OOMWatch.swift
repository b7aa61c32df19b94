// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import Linux
import SystemPackage

/// Follows the memory events of one attempt: ends the job after a kill, and looks at what memory is made of when it matters.
///
/// Once the processes are gone their anonymous memory reads 0, so the split is sampled when the kernel says that a limit
/// was reached, before we end the job ourselves, and at the end. Nothing is polled.
final class OOMWatch {
    private let cgroup: AttemptCgroup
    private let loop: EventLoop
    private let killJob: Bool
    private var events: CInt?
    private var counter: Descriptor?
    private var followUp: Linux.Timer?
    private var followUpUsec = 0
    private var lastSampleUsec = 0
    private var largest = MemorySplit()
    private var sampledWhileRunning = false
    /// The kernel has told that a limit was reached.
    private(set) var hasSeenLimit = false

    init(cgroup: AttemptCgroup, loop: EventLoop, killJob: Bool) {
        self.cgroup = cgroup
        self.loop = loop
        self.killJob = killJob
    }

    func begin() throws(Errno) {
        if let path = cgroup.memoryEventsPath {
            events = try loop.watchFile(path) { [self] in limitReached() }
        } else if let counter = try? cgroup.notifyOOM() {
            self.counter = counter
            try loop.watch(counter.rawValue) { [self] in
                _ = try? counter.read(limit: 8)
                limitReached()
            }
        }
    }

    /// Acts on a kill that happened while nobody watched.
    func catchUp() {
        if cgroup.oom().kills > 0 { limitReached() }
    }

    func end() {
        if let events { loop.forgetFile(events) }
        if let counter { loop.forget(counter.rawValue) }
        if let followUp { loop.forget(followUp.descriptor.rawValue) }
        (events, counter, followUp) = (nil, nil, nil)
    }

    /// Looks at memory now. At most every 10 ms while events pour in.
    func sample() {
        let now = Clock.monotonicMicroseconds
        guard now - lastSampleUsec > 10_000 else { return }
        lastSampleUsec = now
        sampledWhileRunning = true
        sample(cgroup.memoryStat())
    }

    func sample(_ stat: FlatKeyed) { largest.formUnion(cgroup.memorySplit(stat)) }

    private func limitReached() {
        hasSeenLimit = true
        sample()
        guard killJob else { return }
        if cgroup.oom().kills > 0 {
            cgroup.kill()
        } else if counter != nil {
            lookAgain()
        }
    }

    /// v1 notifies before it kills, and offers no event after: look again soon, a few times, until the counter has moved.
    private func lookAgain() {
        followUpUsec = 500
        if followUp == nil, let timer = try? Linux.Timer() {
            followUp = timer
            try? loop.watch(timer.descriptor.rawValue) { [self] in
                timer.acknowledge()
                if cgroup.oom().kills > 0 {
                    cgroup.kill()
                } else if followUpUsec < 200_000 {
                    followUpUsec *= 2
                    try? timer.arm(microseconds: followUpUsec)
                }
            }
        }
        try? followUp?.arm(microseconds: followUpUsec)
    }

    /// Keys whose values were seen, not kept by the kernel.
    var sampledKeys: [String] {
        ["memory_anon_bytes", "memory_file_bytes", "memory_shmem_bytes"]
            + (cgroup.keepsKernelPeak ? [] : ["memory_kernel_bytes"])
    }

    func fill(_ reading: inout UsageReading) {
        let unseen =
            "looked at only when a limit is reached or the job is asked to end, which was not so; then it is gone"
        func set(_ key: String, _ path: WritableKeyPath<Usage, Int?>, _ seen: Int?, outlives: Bool = true) {
            let isKnown = sampledWhileRunning || outlives && (seen ?? 0) > 0
            reading.set(key, path, isKnown ? seen : nil, otherwise: seen == nil ? "no memory.stat here" : unseen)
        }
        // Files in page cache and tmpfs may outlive the processes; of the rest 0, or what is about to go, would be true and
        // useless. v1 keeps a peak of kernel memory.
        set("memory_anon_bytes", \.memoryAnonBytes, largest.anon)
        set("memory_file_bytes", \.memoryFileBytes, largest.file)
        set("memory_shmem_bytes", \.memoryShmemBytes, largest.shmem)
        set("memory_kernel_bytes", \.memoryKernelBytes, largest.kernel, outlives: cgroup.keepsKernelPeak)
    }
}
