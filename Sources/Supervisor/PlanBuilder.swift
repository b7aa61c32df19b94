// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import Linux
import Sandbox

/// Turns what a job asks for into the plan of its attempt.
struct PlanBuilder {
    let spec: JobSpec
    let identity: JobIdentity
    let environment: [String: String]
    let directory: String
    let seccomp: SeccompFilter.Programs?
    let host: CgroupHost
    var queues = QueueDirectories()
    /// Whether namespaces can be made without a user namespace that owns them.
    var mayMakeNamespaces = Credentials.holds(Credentials.Number.sysAdmin)
    /// Whether a user namespace knows more ids than our own, which is root's in any case.
    var mapsAllIDs = geteuid() == 0 || Credentials.holds(Credentials.Number.setuid)

    /// Whether the job is root's own.
    var isRoot = geteuid() == 0

    func build() throws(SupervisorError) -> Plan {
        guard let command = spec.command else {
            throw .refused("job '\(spec.name)' has no command", remedy: "add `command:` to its file")
        }
        // Other users' capabilities count in a namespace of their own alone.
        if !isRoot, let setting = spec.isolation.settingsOfRoot.first(where: { $0 != "capabilities" }) {
            throw .refused("only root's own jobs may have `\(setting)`", remedy: "leave it out, or run jobs as root")
        }
        var plan = Plan()
        let other = try Account.identity(user: spec.user, group: spec.group)
        plan.arguments = command.arguments
        plan.environment = environment(for: other?.account)
        plan.directory = spec.directory.map(absolute) ?? directory
        plan.namespaces = namespaces
        plan.hostname = hostname
        plan.monotonicOffset = spec.isolation.time?.monotonicSeconds ?? 0
        plan.boottimeOffset = spec.isolation.time?.boottimeSeconds ?? 0
        if spec.isolation.mount, let hidden = queues.holder(of: plan.directory) {
            throw .refused(
                "the job's directory \(plan.directory) lies in \(hidden), in which a queue keeps its files and which jobs do not see",
                remedy: "start it elsewhere, or with --no-mount")
        }
        plan.initProcess = spec.isolation.initProcess
        plan.hasCPUSet = spec.limits.cpuset != nil
        plan.identity = other?.identity
        plan.capabilities = try capabilities()
        plan.newPrivileges = spec.isolation.newPrivileges
        let mounts = MountPlan(
            isolation: spec.isolation, namespaces: namespaces, directory: plan.directory, queues: queues,
            masks: spec.isolation.maskPaths && !mountsProc(plan),
            isMachinesRoot: !namespaces.contains(.user) && uid(of: plan) == 0)
        plan.mounts = mounts.mounts
        plan.commandMounts = mounts.commandMounts(cgroup: spec.isolation.cgroup ? host.unified?.mountPoint : nil)
        if spec.isolation.seccomp != .off, let seccomp {
            plan.seccomp = seccomp.jobsInit
            plan.commandSeccomp = seccomp.command
        }
        plan.umask = spec.umask
        plan.resourceLimits = spec.limits.rlimits.map {
            // Both, so that the job cannot raise what limits it.
            let value = $0.value == .max ? UInt64(bitPattern: -1) : $0.value
            return Plan.ResourceLimitValue(resource: $0.key.number, soft: value, hard: value)
        }.sorted { $0.resource < $1.resource }
        plan.wallTimeUsec = spec.limits.wallTime?.microseconds
        plan.cpuTimeUsec = spec.limits.cpuTime?.microseconds
        plan.graceUsec = spec.limits.grace.microseconds
        plan.lingerUsec = spec.limits.linger.microseconds
        return plan
    }

    /// A relative path is the submitter's, whose directory a daemon is not in.
    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : directory + (directory.hasSuffix("/") ? "" : "/") + path
    }

    private var namespaces: Namespaces {
        let wanted = spec.isolation
        var spaces = Namespaces(rawValue: 0)
        if wanted.pid { spaces.insert(.pid) }
        if wanted.mount { spaces.insert(.mount) }
        if wanted.uts { spaces.insert(.uts) }
        if wanted.ipc { spaces.insert(.ipc) }
        if wanted.net { spaces.insert(.net) }
        if wanted.cgroup { spaces.insert(.cgroup) }
        if wanted.time != nil { spaces.insert(.time) }
        // Without privileges, as root in a container too, every other namespace needs a user namespace to be owned by.
        if wanted.user || (!mayMakeNamespaces && !spaces.isEmpty) { spaces.insert(.user) }
        return spaces
    }

    /// What we do not hold ourselves we cannot give; inside a user namespace everything is held.
    private func capabilities() throws(SupervisorError) -> CapabilitySet {
        let wanted = spec.isolation.capabilities
        if namespaces.contains(.user), wanted != .named([]), mapsAllIDs {
            // Every id inside is the same one outside, so that DAC_OVERRIDE inside reads root's files, and SETUID becomes root.
            throw .refused(
                "capabilities in a user namespace of root's would count outside of it, whose ids are the same",
                remedy: "leave `userns` out, or `capabilities`")
        }
        let held = namespaces.contains(.user) ? nil : try? Credentials.permitted()
        guard case .named(let names) = wanted else { return held ?? CapabilitySet(mask: .max) }
        let set = CapabilitySet(mask: Capability.mask(names))
        guard let held else { return set }
        let missing = Capability.names.enumerated().filter { set.contains($0.offset) && !held.contains($0.offset) }
        guard missing.isEmpty else {
            throw .refused(
                "the job asks for the \(missing.map { "CAP_" + $0.element }.joined(separator: ", ")) capability, which jobs itself does not have",
                remedy: "run jobs with it, or leave it out of `capabilities`")
        }
        return set
    }

    /// Whether the job may mount `/proc` anew, in namespaces of its own. The kernel lets it if nothing is hidden in the one that
    /// it sees (`mount_too_revealing`), so nothing is.
    ///
    /// Never for a job that is root or can become it: uid 0 writes `/proc/sys`, `core_pattern` for one, without a capability.
    private func mountsProc(_ plan: Plan) -> Bool {
        spec.isolation.seccomp != .default && uid(of: plan) != 0 && plan.capabilities.mask == 0 && !plan.newPrivileges
    }

    private func uid(of plan: Plan) -> UInt32 { plan.identity?.uid ?? geteuid() }

    /// A host name may hold letters, digits and hyphens only; `gethostname(2)` limits it to 64.
    private var hostname: String {
        if let name = spec.hostname { return name }
        var cleaned = ""
        for character in spec.name where cleaned.utf8.count < 60 {
            let isAllowed = character.isASCII && (character.isLetter || character.isNumber)
            if isAllowed || !cleaned.isEmpty { cleaned += isAllowed ? String(character) : "-" }
        }
        return cleaned.isEmpty ? "job" : cleaned
    }

    /// - Parameter account: the user that the job becomes, with a home of their own.
    private func environment(for account: Account?) -> [String] {
        var result = environment
        if let account {
            result["HOME"] = account.home
            result["USER"] = account.name
            result["LOGNAME"] = account.name
            result["SHELL"] = account.shell
        }
        result.merge(spec.environment) { _, new in new }
        result["PATH"] = result["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        result["JOBS_NAME"] = identity.name
        result["JOBS_ATTEMPT"] = "\(identity.attempt)"
        if let id = identity.id { result["JOBS_ID"] = "\(id)" }
        if let memory = spec.limits.memory { result["JOBS_MEMORY_LIMIT_BYTES"] = "\(memory.bytes)" }
        if let cpus = spec.limits.cpus { result["JOBS_CPUS"] = cpus.description }
        if let pids = spec.limits.pids { result["JOBS_PIDS_LIMIT"] = "\(pids)" }
        return result.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}

extension ResourceLimit {
    /// The kernel's number, `<asm-generic/resource.h>`.
    var number: CInt {
        switch self {
        case .fsize: 1
        case .stack: 3
        case .core: 4
        case .nofile: 7
        }
    }
}
