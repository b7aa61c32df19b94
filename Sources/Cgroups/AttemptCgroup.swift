// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobModel
import Linux
import SystemPackage

/// The cgroup of one attempt: one directory per hierarchy, made fresh, because counters and peaks never reset.
package final class AttemptCgroup: Sendable {
    package let name: String
    package let directories: [Controller: CgroupDirectory]
    /// The v2 directory: kill, freeze, events, cpu.stat and pressure come from here, on hybrid hosts too.
    package let unified: CgroupDirectory?
    /// Below ``unified``, for a job with a view of its own. Not known of an attempt that is taken over, which has started.
    private let leaf: CgroupDirectory?
    package let root: CgroupRoot
    let ancestors: [Controller: [CgroupDirectory]]
    /// Held by the supervisor of a foreground run; a queued job's daemon may come and go.
    private let lock: Descriptor?

    /// Makes the directories an attempt with these limits needs. What was made is removed again if one fails.
    ///
    /// - Parameter hasOwnView: whether the job gets a cgroup namespace, and with it a cgroup that it may write.
    package init(_ name: String, limits: Limits, hasOwnView: Bool = false, in root: CgroupRoot) throws(CgroupError) {
        self.name = name
        self.root = root
        var made: [String: CgroupDirectory] = [:]
        var directories: [Controller: CgroupDirectory] = [:]
        do throws(CgroupError) {
            if let base = root.unifiedBase {
                unified = try root.makeDirectory(name, in: base, version: .v2)
            } else {
                unified = nil
            }
            for controller in Self.needed(limits, in: root) {
                if root.version(of: controller) == .v2 {
                    if root.host.mode == .hybrid { root.handDown() }
                    directories[controller] = unified
                } else if let base = root.v1Bases[controller] {
                    // Controllers mounted together share a directory.
                    let path = base + "/" + name
                    if made[path] == nil { made[path] = try root.makeDirectory(name, in: base, version: .v1) }
                    directories[controller] = made[path]
                }
            }
            leaf = if hasOwnView, let unified { try OwnView.make(in: unified) } else { nil }
        } catch {
            for path in made.keys { try? Files.removeDirectory(path) }
            if let base = root.unifiedBase { try? Files.removeDirectory(base + "/" + name) }
            throw error
        }
        self.directories = directories
        let marked = (unified ?? directories[.memory] ?? directories.values.first)?.path
        lock = AttemptName.isQueued(name) ? nil : marked.flatMap { SupervisorLock.take($0) }
        ancestors = Self.ancestors(of: directories, in: root)
    }

    /// Accounting always; a controller that costs a directory of its own only when something is asked of it.
    private static func needed(_ limits: Limits, in root: CgroupRoot) -> [Controller] {
        var needed: [Controller] = [.memory, .pids, .io]
        if limits.cpus != nil || limits.cpuWeight != nil || root.version(of: .cpu) == .v2 { needed.append(.cpu) }
        if limits.cpuset != nil { needed.append(.cpuset) }
        if !limits.hugepages.isEmpty { needed.append(.hugetlb) }
        if root.unifiedBase == nil { needed += [.cpuacct, .freezer] }
        if limits.devices != nil, root.version(of: .devices) == .v1 { needed.append(.devices) }
        return needed
    }

    /// Where the job is in each hierarchy of v1, and where that is mounted: in its own directory, or where its supervisor is.
    /// A mount below another one comes before it.
    package var v1Views: [(path: String, mountPoint: String)] {
        var views: [String: String] = [:]
        for (controller, hierarchy) in root.host.v1 where hierarchy.isOurs {
            // Controllers mounted together share a hierarchy, and one of them may have no directory asked for.
            if let own = directories[controller] {
                views[hierarchy.mountPoint] = own.path
            } else {
                views[hierarchy.mountPoint] = views[hierarchy.mountPoint] ?? hierarchy.own
            }
        }
        return views.filter { $0.key != $0.value }.map { ($0.value, $0.key) }.sorted { $0.1 > $1.1 }
    }

    private var memory: (directory: CgroupDirectory, type: any MemoryController.Type)? {
        directories[.memory].map { ($0, $0.version.memoryController) }
    }

    /// The cgroup of an attempt that another process of ours made and that still stands.
    package init(adopting place: Place, in root: CgroupRoot) throws(CgroupError) {
        name = place.name
        self.root = root
        unified = try place.unified.map { path throws(CgroupError) in try CgroupDirectory(path: path, version: .v2) }
        var directories: [Controller: CgroupDirectory] = [:]
        for (controller, path) in place.controllers {
            directories[controller] =
                path == place.unified ? unified : try CgroupDirectory(path: path, version: place.version(of: path))
        }
        self.directories = directories
        leaf = nil
        lock = nil
        ancestors = Self.ancestors(of: directories, in: root)
    }

    /// Where the cgroup lies, to be written down for whoever comes after us.
    package struct Place: Hashable, Sendable {
        package var name: String
        package var unified: String?
        package var controllers: [Controller: String]

        package init(name: String, unified: String?, controllers: [Controller: String]) {
            self.name = name
            self.unified = unified
            self.controllers = controllers
        }

        /// On v2 all controllers share the one directory.
        func version(of path: String) -> CgroupVersion { path == unified ? .v2 : .v1 }

        /// Removes the cgroup, also if only parts of it are there; kills first whoever is still in it.
        package func remove() throws(CgroupError) {
            let paths = Set(controllers.values).union(unified.map { [$0] } ?? [])
            try CgroupCleanup.remove(paths.map { ($0, version(of: $0)) }.filter { Files.exists($0.0) })
        }
    }

    /// The directory on v2 that the command starts in.
    package var entrance: CgroupDirectory? { leaf ?? unified }

    /// The name of ``entrance`` if it is not the attempt's own directory.
    package var leafName: String? { leaf == nil ? nil : OwnView.leafName }

    /// Its directory in the hierarchy of the memory controller, and where that is mounted.
    package var memoryPlace: (path: String, mountPoint: String)? {
        guard let (directory, _) = memory else { return nil }
        let mountPoint = directory.version == .v1 ? root.host.v1[.memory]?.mountPoint : root.host.unified?.mountPoint
        return (directory.path, mountPoint ?? "")
    }

    package var place: Place {
        Place(name: name, unified: unified?.path, controllers: directories.mapValues(\.path))
    }

    /// Writes the limits; ``effective(_:)`` tells what the kernel made of them.
    package func apply(_ limits: Limits, oom: OOMPolicy) throws(CgroupError) {
        if let (directory, type) = memory { try type.apply(limits, oom: oom, to: directory) }
        if let directory = directories[.cpu] {
            // On v2 the tightest holds. On v1 a quota above that of its parent is refused (EINVAL, tg_cfs_schedulable_down).
            let most = directory.version == .v1 ? quotaAbove.0 : nil
            try CPUController.apply(limits, to: directory, most: most)
        }
        if let cpus = limits.cpuset, let directory = directories[.cpuset] {
            try CpusetController.apply(cpus, to: directory)
        }
        if let pids = limits.pids, let directory = directories[.pids] { try PidsController.apply(pids, to: directory) }
        if !limits.io.isEmpty, let directory = directories[.io] { try IOController.apply(limits.io, to: directory) }
        if let directory = directories[.hugetlb] { try HugepageController.apply(limits.hugepages, to: directory) }
        if let rules = limits.devices { try restrictDevices(rules) }
        if let leaf { try OwnView.show(limits, in: leaf) }
    }

    /// The limits as the kernel holds them.
    package func effective(_ limits: Limits) -> EffectiveLimits {
        var effective = EffectiveLimits()
        if let (directory, type) = memory {
            type.readBack(directory, into: &effective)
        }
        readAncestors(into: &effective)
        if let directory = directories[.cpu] { CPUController.readBack(directory, into: &effective) }
        if limits.cpuset != nil, let directory = directories[.cpuset] {
            effective.cpuset = CpusetController.effective(directory)
        }
        if let directory = directories[.pids] { PidsController.readBack(directory, into: &effective) }
        if !limits.io.isEmpty, let directory = directories[.io] { IOController.readBack(directory, into: &effective) }
        if let directory = directories[.hugetlb] {
            HugepageController.readBack(directory, of: limits.hugepages, into: &effective)
        }
        return effective
    }

    private func restrictDevices(_ rules: [DeviceRule]) throws(CgroupError) {
        var resolved: [ResolvedDevice] = []
        for rule in rules { resolved.append(try ResolvedDevice(rule)) }
        if let directory = directories[.devices] {
            try DevicesV1.apply(resolved, to: directory)
        } else if let unified {
            try DevicesV2.apply(resolved, to: unified)
        }
    }

    // MARK: Reading

    package func oom() -> OOMCounters { memory.map { $0.type.oom(of: $0.directory) } ?? OOMCounters() }

    /// `memory.stat`, which two readings share at the end: it is the longest of the files.
    package func memoryStat() -> FlatKeyed { directories[.memory]?.memoryStat ?? FlatKeyed(nil) }

    package func memorySplit(_ stat: FlatKeyed) -> MemorySplit {
        memory.map { $0.type.split(of: $0.directory, stat) } ?? MemorySplit()
    }

    /// Whether the split's kernel memory is a peak that the kernel keeps.
    package var keepsKernelPeak: Bool { directories[.memory]?.version == .v1 }

    /// Everything the kernel counted. Read after the last process is gone and before ``remove()``.
    package func usage(_ stat: FlatKeyed) -> UsageReading {
        var reading = UsageReading()
        if let (directory, type) = memory {
            type.usage(of: directory, stat, into: &reading)
        } else {
            for figure in Usage.figures
            where figure.key.hasPrefix("memory_") || ["swap_peak_bytes", "major_faults"].contains(figure.key) {
                reading.unavailable[figure.key] = "the memory controller is not available here; see `jobs doctor`"
            }
        }
        if let time = unified ?? directories[.cpuacct] { CPUController.time(of: time, into: &reading) }
        CPUController.throttling(of: directories[.cpu], into: &reading)
        PidsController.usage(of: directories[.pids], into: &reading)
        IOController.usage(of: directories[.io], into: &reading)
        if !root.ownsWriteBack {
            for (key, value) in [
                ("io_write_bytes", reading.usage.ioWriteBytes),
                ("io_write_operations", reading.usage.ioWriteOperations),
            ] where value != nil {
                reading.partial[key] =
                    "direct writes alone: what went through the page cache is missing, which \(root.writeBackOwner)"
            }
        }
        pressure(into: &reading)
        return reading
    }

    /// Memory in bytes, CPU time in µs and tasks at this moment; `nil` where the kernel does not say.
    package func current() -> (memoryBytes: Int?, cpuUsageUsec: Int?, pids: Int?) {
        var reading = UsageReading()
        if let time = unified ?? directories[.cpuacct] { CPUController.time(of: time, into: &reading) }
        return (
            memory.flatMap { $0.type.current(of: $0.directory) }, reading.usage.cpuUsageUsec,
            directories[.pids]?.readInt("pids.current")
        )
    }

    /// Whether its directories still stand: somebody else may have removed them.
    package var isThere: Bool { directories.values.allSatisfy { $0.has("cgroup.procs") } }

    /// Whether anybody is in here or below now.
    package var isPopulated: Bool {
        if let unified { return unified.isPopulated }
        // The kernel caches a v1 list for a second.
        return directories.values.first.map { directory in
            Self.everyone(in: directory.path, version: .v1).contains { Glibc.kill($0, 0) == 0 || errno == EPERM }
        } ?? false
    }

    /// Whether a process was ever in here.
    package var hasCountedAnyone: Bool {
        var reading = UsageReading()
        if let time = unified ?? directories[.cpuacct] { CPUController.time(of: time, into: &reading) }
        PidsController.usage(of: directories[.pids], into: &reading)
        return (reading.usage.pidsPeak ?? 0) > 0 || (reading.usage.cpuUsageUsec ?? 0) > 0
    }

    private func pressure(into reading: inout UsageReading) {
        let reason = unified == nil ? "cgroup v1 alone has no pressure accounting" : noPSI
        let cpu = Pressure(unified?.read("cpu.pressure"))
        let io = Pressure(unified?.read("io.pressure"))
        reading.set("cpu_pressure_usec", \.cpuPressureUsec, cpu.someUsec, otherwise: reason)
        reading.set("io_pressure_usec", \.ioPressureUsec, io.someUsec, otherwise: reason)
        reading.set("io_full_pressure_usec", \.ioFullPressureUsec, io.fullUsec, otherwise: reason)
        if directories[.memory]?.version != .v2 {
            let memory = Pressure(unified?.read("memory.pressure"))
            reading.set("memory_pressure_usec", \.memoryPressureUsec, memory.someUsec, otherwise: reason)
            reading.set("memory_full_pressure_usec", \.memoryFullPressureUsec, memory.fullUsec, otherwise: reason)
        }
    }

    // MARK: Watching

    /// The file whose change says that a limit was reached or somebody was killed (v2, `IN_MODIFY`).
    package var memoryEventsPath: String? {
        directories[.memory].flatMap { $0.version == .v2 ? $0.path + "/memory.events" : nil }
    }

    /// Registers a v1 OOM notification; the counter becomes readable once per OOM, and once more when the cgroup goes.
    ///
    /// An event is a hint, the `oom_kill` counter is the fact: the notification precedes the kill.
    package func notifyOOM() throws(CgroupError) -> Descriptor? {
        guard let directory = directories[.memory], directory.version == .v1 else { return nil }
        do throws(Errno) {
            let counter = try makeEventCounter()
            let control = try Descriptor.open("memory.oom_control", at: directory.descriptor)
            try Files.write(
                "\(counter.rawValue) \(control.rawValue)", to: "cgroup.event_control", at: directory.descriptor)
            return counter
        } catch {
            throw CgroupError("watch for OOM in", directory.path, errno: error)
        }
    }

    /// Everyone in the cgroup at `path` and below it.
    static func everyone(in path: String, version: CgroupVersion) -> [pid_t] {
        guard let directory = try? CgroupDirectory(path: path, version: version) else { return [] }
        return directory.processes
            + CgroupDirectory.children(of: path).flatMap { everyone(in: path + "/" + $0, version: version) }
    }
}
