// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import CLinux
import Glibc
import Linux
import SystemPackage

/// The command's process, from its birth inside the job's cgroup to its execve.
package struct Payload {
    let plan: Plan
    /// `/proc` as it was before the mounts changed: the supervisor's.
    private let outerProc: Descriptor?

    package init(_ plan: Plan, outerProc: Descriptor? = nil) { (self.plan, self.outerProc) = (plan, outerProc) }

    /// A command that was started.
    package struct Started {
        package var pid: pid_t
        /// In the supervisor's PID namespace, `nil` if it cannot be told.
        package var outerPid: Int?
        /// The moment it was executed, `CLOCK_MONOTONIC`.
        package var startedUsec: Int
    }

    /// What the child leaves behind for its parent; lives in memory that both see.
    private struct Outcome {
        var startedUsec = 0
        /// 0 if it cannot be told.
        var outerPid = 0
        var errno: CInt = 0
        var isCommand = false
        var stepLength = 0
        var detailLength = 0
    }

    /// Takes on what the command shall inherit, in the process that makes it: so it is done before the command's turn.
    package func restrict() throws(SetupFailure) {
        try limitCapabilities()
        if !plan.newPrivileges {
            // Before the filter, which otherwise takes CAP_SYS_ADMIN.
            try step("set no_new_privs", "") { () throws(Errno) in try Credentials.forbidNewPrivileges() }
        }
        guard !plan.seccomp.isEmpty else { return }
        try step("install the seccomp filter", "") { () throws(Errno) in
            try Credentials.installSeccomp(plan.seccomp)
        }
    }

    /// Starts the command.
    ///
    /// Returns after the execve succeeded. A child that was killed on the way there looks like a started one whose exit
    /// status says so; ``neverExecuted(_:)`` tells the two apart.
    package func start() throws(SetupFailure) -> Started {
        let page = 4096
        // Shared even if the kernel makes us copy memory, and charged to us: the parent touches it first.
        guard let memory = mmap(nil, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else {
            throw SetupFailure(step: "map memory", detail: "", errno: errno)
        }
        defer { munmap(memory, page) }
        let outcome = memory.bindMemory(to: Outcome.self, capacity: 1)
        outcome.initialize(to: Outcome())
        let text = UnsafeMutableRawBufferPointer(
            start: memory + MemoryLayout<Outcome>.stride, count: page - MemoryLayout<Outcome>.stride)

        var namespaces: UInt64 = 0
        if !plan.initProcess { namespaces |= plan.namespaces.intersection(.pid).rawValue }
        let pid: pid_t
        var executed: (read: Descriptor, write: Descriptor)?
        do throws(Errno) {
            // A child that enters a new time namespace may not share memory with one outside (EINVAL, copy_process).
            let sharesMemory = !plan.namespaces.contains(.time)
            if !sharesMemory { executed = try Descriptor.pipe() }
            pid = try runChild(namespaces: namespaces, cgroup: plan.cgroupDescriptor ?? -1, shareMemory: sharesMemory) {
                // Only it itself finds out, and not after its mounts.
                if let outerProc, let own = try? Files.readLink("self", at: outerProc) {
                    outcome.pointee.outerPid = Int(own) ?? 0
                }
                // Its clock may be another one than ours.
                func noteTime() {
                    outcome.pointee.startedUsec = Clock.monotonicMicroseconds - plan.monotonicOffset * 1_000_000
                }
                // Whatever holds it up from here on, its time is running.
                noteTime()
                limitLife()
                do throws(SetupFailure) { try becomeCommand(aboutToExecute: noteTime) } catch {
                    outcome.pointee.errno = error.errno
                    outcome.pointee.isCommand = error.isCommand
                    outcome.pointee.stepLength = copy(error.step, to: text, at: 0)
                    outcome.pointee.detailLength = copy(error.detail, to: text, at: outcome.pointee.stepLength)
                }
                return 127
            }
        } catch {
            throw SetupFailure(step: "start the command's process", detail: "clone3", errno: error.rawValue)
        }
        // Copied memory means a concurrent child: its execve or death closes the last write end.
        if let end = executed?.read {
            executed = nil
            _ = try? end.read(limit: 1)
        }
        return try finish(pid, outcome.pointee, text)
    }

    private func finish(_ pid: pid_t, _ outcome: Outcome, _ text: UnsafeMutableRawBufferPointer) throws(SetupFailure)
        -> Started
    {
        guard outcome.errno == 0 else {
            var status: CInt = 0
            waitpid(pid, &status, 0)
            let step = String(decoding: text[0..<outcome.stepLength], as: UTF8.self)
            let detail = String(
                decoding: text[outcome.stepLength..<outcome.stepLength + outcome.detailLength], as: UTF8.self)
            throw SetupFailure(step: step, detail: detail, errno: outcome.errno, isCommand: outcome.isCommand)
        }
        return Started(
            pid: pid, outerPid: outcome.outerPid > 0 ? outcome.outerPid : nil,
            startedUsec: outcome.startedUsec == 0 ? Clock.monotonicMicroseconds : outcome.startedUsec)
    }

    /// The child's side, after ``restrict()``: the order is the security order, and every line is a step.
    private func becomeCommand(aboutToExecute: () -> Void) throws(SetupFailure) {
        try enterCgroups()
        try enterCgroupNamespace()
        try MountList(plan.commandMounts).perform()
        try startSession()
        try resetOOMScore()
        try setResourceLimits()
        if let mask = plan.umask { Glibc.umask(mode_t(mask)) }
        try installCommandFilter()
        try becomeUser()
        try enterDirectory()
        try step("drop capabilities", "") { () throws(Errno) in try Credentials.setCapabilities(plan.capabilities) }
        unblockSignals()
        let path = plan.environment.first { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? "/usr/bin:/bin"
        let arguments = plan.script?.words(of: plan.arguments) ?? plan.arguments
        aboutToExecute()
        let error = execute(arguments, environment: plan.environment, path: path)
        var detail = arguments.first ?? ""
        if error == .noSuchFileOrDirectory, let file = candidates(for: detail, in: path).first(where: Files.exists) {
            detail += ", or rather what has to run it: \(interpreter(of: file) ?? "the loader that it names")"
        }
        throw SetupFailure(step: "execute", detail: detail, errno: error.rawValue, isCommand: true)
    }

    /// The working directory, the program and what has to run it may lie on a file system that does not answer, and jobs-init,
    /// whose memory this process has borrowed, keeps no time until the execve. Without the timer the supervisor is left.
    private func limitLife() {
        if let limit = plan.wallTimeUsec { try? killUnlessExecuted(within: limit + plan.graceUsec) }
    }

    /// A thread that moves itself through `tasks` does not wait for the kernel's grace period, as a parent that moves a
    /// whole process through `cgroup.procs` does (0.08 ms against up to 15 ms).
    private func enterCgroups() throws(SetupFailure) {
        for directory in plan.v1Descriptors {
            try step("enter the job's cgroup", "tasks") { () throws(Errno) in
                try Descriptor.open("tasks", in: directory, O_WRONLY).write("0")
            }
        }
        // A process that `CLONE_INTO_CGROUP` starts keeps its parent's CPUs on older kernels, whatever the cgroup's set is
        // (`cpuset_fork`, mended in 6.4 and in some that are older).
        if plan.hasCPUSet { try step("take the job's CPU set", "", Affinity.takeAll) }
    }

    private func enterCgroupNamespace() throws(SetupFailure) {
        guard plan.namespaces.contains(.cgroup) else { return }
        try step("create a cgroup namespace", "") { () throws(Errno) in try Namespaces.cgroup.unshare() }
    }

    /// A session of its own: the terminal's signals are not the payload's, and TIOCSTI cannot reach our terminal.
    ///
    /// With a terminal the session is jobs-init's and the command leads its foreground process group, as under a shell:
    /// the kernel ignores Ctrl-Z for a group whose parents are all in other sessions.
    private func startSession() throws(SetupFailure) {
        guard plan.terminal else {
            return try step("start a session", "") { () throws(Errno) in try checked { setsid() } }
        }
        try step("take the terminal", "") { () throws(Errno) in
            try checked { setpgid(0, 0) }
            // SIGTTOU is blocked here, as all signals are, so that a background group may do this.
            try checked { tcsetpgrp(0, getpgrp()) }
        }
    }

    /// A daemon protected with -1000 would hand its protection down, and the memory limit would limit nothing.
    private func resetOOMScore() throws(SetupFailure) {
        do throws(Errno) { try Files.write("0", to: "/proc/self/oom_score_adj") } catch {
            // Raising is free, lowering needs CAP_SYS_RESOURCE; whoever may not lower it was not protected either.
            if error != .permissionDenied && error != .noSuchFileOrDirectory {
                throw SetupFailure(step: "write", detail: "/proc/self/oom_score_adj", errno: error.rawValue)
            }
        }
    }

    private func setResourceLimits() throws(SetupFailure) {
        for limit in plan.resourceLimits {
            var value = rlimit(rlim_cur: rlim_t(limit.soft), rlim_max: rlim_t(limit.hard))
            let result = withUnsafePointer(to: &value) {
                clinux_syscall(Int(SYS_prlimit64), 0, Int(limit.resource), Int(bitPattern: $0), 0, 0, 0)
            }
            if result < 0 {
                throw SetupFailure(step: "set a resource limit", detail: "\(limit.soft)", errno: CInt(-result))
            }
        }
    }

    private func limitCapabilities() throws(SetupFailure) {
        try step("limit capabilities", "") { () throws(Errno) in try Credentials.limitBounding(to: plan.capabilities) }
    }

    /// Before the change of user: without `no_new_privs` it takes CAP_SYS_ADMIN, which goes with root. After the last step that
    /// it refuses, the new cgroup namespace.
    private func installCommandFilter() throws(SetupFailure) {
        guard !plan.commandSeccomp.isEmpty else { return }
        try step("install the seccomp filter", "") { () throws(Errno) in
            try Credentials.installSeccomp(plan.commandSeccomp)
        }
    }

    private func becomeUser() throws(SetupFailure) {
        guard let identity = plan.identity else { return }
        try step("become user", "\(identity.uid)") { () throws(Errno) in
            try Credentials.keepCapabilitiesAcrossUserChange()
            try Credentials.become(uid: identity.uid, gid: identity.gid, groups: identity.groups)
        }
    }

    /// After the change of user, so that what it may not enter is refused.
    private func enterDirectory() throws(SetupFailure) {
        let directory = plan.directory
        try step("enter directory", directory) { () throws(Errno) in try checked { chdir(directory) } }
    }

    /// Whether a zombie died before its execve: until then it carries jobs-init's name.
    package static func neverExecuted(_ pid: pid_t) -> Bool {
        guard let text = try? Files.read("/proc/\(pid)/comm") else { return false }
        return text.hasPrefix("jobs-init")
    }
}

/// What a script's first line says.
private func interpreter(of script: String) -> String? {
    guard let head = try? Files.open(script, as: S_IFREG).read(limit: 256), head.starts(with: "#!".utf8) else {
        return nil
    }
    let line = String(decoding: head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    return line.split(separator: " ").first.map(String.init)
}

private func copy(_ text: String, to buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let bytes = Array(text.utf8.prefix(1024))
    for (index, byte) in bytes.enumerated() { buffer[offset + index] = byte }
    return bytes.count
}
