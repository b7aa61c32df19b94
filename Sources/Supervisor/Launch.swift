// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import Linux
import Sandbox
import SystemPackage

/// The descriptors and the process behind one attempt.
struct Launch {
    /// jobs-init; `nil` before ``meet(_:)``, and if it is gone already when its attempt is taken over.
    private(set) var process: Process?
    private var copy: ForkServer.Copy?
    /// A pipe in the foreground, a file of ``AttemptDirectory`` for a queued job.
    let report: Descriptor
    /// Closing it tells jobs-init of the foreground to leave; while it is open, jobs-init stays.
    var control: Descriptor?
    /// Of a queued job that we launched.
    var gate: Gate?
    /// Whether ``process`` is a child of ours, which we have to reap.
    let isChild: Bool
    private var isUnidentified = false

    /// Starts jobs-init with `plan`, completed by the descriptors of `cgroup`.
    ///
    /// - Parameter cgroup: `nil` for a ``Trial``, which stays in ours.
    init(_ plan: Plan, cgroup: AttemptCgroup?, server: ForkServer, standardIO: [CInt]) throws(SupervisorError) {
        var plan = plan
        let complete: DescriptorTable
        do throws(Errno) {
            let reportPipe = try Descriptor.pipe()
            let controlPipe = try Descriptor.pipe()
            var table = try DescriptorTable(standardIO, report: reportPipe.write, control: controlPipe.read)
            if let cgroup { try table.addCgroup(cgroup, to: &plan) }
            try reportPipe.read.setNonBlocking()
            report = reportPipe.read
            control = controlPipe.write
            complete = table
        } catch {
            throw Self.failure(error)
        }
        isChild = true
        copy = try Self.start(plan, table: complete, by: server)
    }

    /// Starts jobs-init so that it outlives us: it reports into a file, hears a FIFO, and waits at a gate.
    ///
    /// - Parameter script: the text of the plan's.
    init(
        _ plan: Plan, cgroup: AttemptCgroup, server: ForkServer, directory: AttemptDirectory, script: String?
    ) throws(SupervisorError) {
        var plan = plan
        let complete: DescriptorTable
        do throws(Errno) {
            let null = try Descriptor.open("/dev/null", O_RDWR)
            let written = try directory.open(directory.report, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o600)
            // What jobs-init has to tell must have room on a disk that fills up meanwhile.
            try written.reserve(bytes: 4096)
            let orders = try directory.openControl()
            // jobs-init waits in poll and may block in read; the flag belongs to the open file, which is shared.
            let heard = try directory.openControl()
            let gatePipe = try Descriptor.pipe()
            var table = try DescriptorTable(
                [null.rawValue, null.rawValue, null.rawValue], keeping: [null], report: written, control: heard)
            try heard.setNonBlocking(false)
            plan.queued?.gateDescriptor = table.add(gatePipe.read)
            plan.queued?.directoryDescriptor = table.add(
                try Descriptor.open(directory.path, O_RDONLY | O_DIRECTORY))
            if let script {
                let kept = try Descriptor.memory(name: "script")
                try kept.write(script)
                plan.script?.descriptor = table.add(kept)
            }
            try table.addCgroup(cgroup, to: &plan)
            report = try directory.open(directory.report)
            control = orders
            gate = Gate(gatePipe.write)
            complete = table
        } catch {
            throw Self.failure(error)
        }
        isChild = true
        copy = try Self.start(plan, table: complete, by: server)
    }

    /// Waits until the fork server has told who jobs-init is, which is then watched by `watch`.
    ///
    /// - Throws: each time, once it has.
    mutating func meet(_ watch: (Process) throws(SupervisorError) -> Void) throws(SupervisorError) {
        guard let copy else { return }
        let found: Process
        do throws(Errno) { found = try copy.process() } catch {
            throw Self.refusal(Namespaces(rawValue: 0), "make namespaces", error)
        }
        process = found
        try watch(found)
        self.copy = nil
    }

    /// Takes a running jobs-init over from a daemon that is gone.
    init(adopting process: Process?, directory: AttemptDirectory) throws(SupervisorError) {
        do throws(Errno) {
            report = try directory.open(directory.report)
            control = try directory.openControl()
        } catch { throw .system(operation: "take over the attempt in", detail: directory.path, error) }
        self.process = process
        isChild = false
    }

    /// Takes over a jobs-init that lives and cannot be told from others, since its report cannot be read.
    ///
    /// - Parameter control: of ``AttemptDirectory/openLivingControl()``.
    init(unidentified control: Descriptor, directory: AttemptDirectory) throws(SupervisorError) {
        do throws(Errno) { report = try directory.open(directory.report) } catch {
            throw .system(operation: "take over the attempt in", detail: directory.path, error)
        }
        self.control = control
        isChild = false
        isUnidentified = true
    }

    /// The FIFO of a jobs-init without a known ``process``; it tells the end of jobs-init (`EPOLLERR`).
    var heardControl: Descriptor? { isUnidentified ? control : nil }

    private static func failure(_ error: Errno) -> SupervisorError {
        error == .connectionReset ? .forkServerDied : .system(operation: "start", detail: "jobs-init", error)
    }

    /// The kernel has refused the namespaces, or the maps of the user namespace that owns them.
    private static func refusal(_ spaces: Namespaces, _ step: String, _ error: Errno) -> SupervisorError {
        guard let obstacle = NamespaceObstacle(error) else { return failure(error) }
        return .refused(
            "cannot \(step) for the job: \(error)", remedy: obstacle.remedy(needsUserNamespace: spaces.contains(.user)))
    }

    private static func start(
        _ plan: Plan, table: DescriptorTable, by server: ForkServer
    ) throws(SupervisorError) -> ForkServer.Copy {
        // Time and cgroup namespaces are entered later, by the process that needs them.
        var spaces = plan.namespaces.subtracting(.time).subtracting(.cgroup)
        if !plan.initProcess { spaces.remove(.pid) }
        do throws(Errno) {
            try table.plan.write(plan.encoded())
            guard spaces.contains(.user) else { return try server.fork(spaces, descriptors: table.raw) }
        } catch { throw failure(error) }
        return try startMapped(spaces, table, server)
    }

    /// In a user namespace jobs-init waits for its maps, which only a process outside of it may write.
    private static func startMapped(
        _ spaces: Namespaces, _ table: DescriptorTable, _ server: ForkServer
    ) throws(SupervisorError) -> ForkServer.Copy {
        let copy: ForkServer.Copy
        let process: Process
        let gate: (read: Descriptor, write: Descriptor)
        do throws(Errno) {
            gate = try Descriptor.pipe()
            copy = try server.fork(spaces, descriptors: table.raw, waitingFor: gate.read)
            process = try copy.process()
        } catch { throw refusal(spaces, "make namespaces", error) }
        do throws(Errno) {
            try UserMaps.write(for: process.pid)
            try gate.write.write([1])
        } catch {
            try? process.signal(SIGKILL)
            _ = try? process.wait()
            throw refusal(spaces, "map the ids of a user namespace", error)
        }
        return copy
    }
}

/// Descriptors in the order in which jobs-init will find them.
private struct DescriptorTable {
    private(set) var raw: [CInt]
    private var kept: [Descriptor] = []
    /// To be written once all descriptors are known.
    let plan: Descriptor

    /// In the order of `Plan.Descriptors`.
    ///
    /// - Parameter keeping: what of `standardIO` is ours, and has to stay open until it has been sent.
    init(
        _ standardIO: [CInt], keeping: [Descriptor] = [], report: Descriptor, control: Descriptor
    ) throws(Errno) {
        raw = standardIO
        kept = keeping
        plan = try Descriptor.memory(name: "plan")
        add(plan)
        add(report)
        add(control)
    }

    @discardableResult
    mutating func add(_ descriptor: Descriptor) -> CInt {
        kept.append(descriptor)
        raw.append(descriptor.rawValue)
        return CInt(raw.count - 1)
    }

    /// Adds what jobs-init needs of the cgroup.
    mutating func addCgroup(_ cgroup: AttemptCgroup, to plan: inout Plan) throws(Errno) {
        let handles = try cgroup.openHandles(cpuUsage: plan.cpuTimeUsec != nil)
        plan.cgroupDescriptor = handles.entrance.map { add($0) }
        plan.killDescriptor = handles.kill.map { add($0) }
        plan.processesDescriptor = handles.processes.map { add($0) }
        plan.v1Descriptors = handles.v1Directories.map { add($0) }
        plan.cpuUsageDescriptor = handles.cpuUsage.map { add($0) }
        plan.cgroupName = cgroup.name
        plan.cgroupLeaf = cgroup.leafName
        if plan.namespaces.contains(.cgroup), plan.namespaces.contains(.mount) {
            plan.commandMounts = MountPlan.views(cgroup.v1Views) + plan.commandMounts
        }
    }
}
