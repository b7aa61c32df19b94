// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux

/// Something that came with a certain kernel and that jobs make use of.
package struct Feature: Sendable {
    package let id: String
    let title: String
    let since: KernelVersion
    let source: Source
    /// What is lost without it.
    let loss: String
    var status = Finding.Status.degraded

    enum Source: Sendable {
        case call
        /// A system call that only the v2 tree makes use of.
        case v2Call
        /// A file of every v2 cgroup but the root.
        case v2File(String)
        /// A file that comes with a controller; `v1` is its counterpart there.
        case file(Controller, String, v1: String?)
    }

    package static let all: [Feature] = [
        Feature(
            id: "clone3", title: "clone3", since: KernelVersion(5, 3), source: .call, loss: "no job can be started",
            status: .broken),
        Feature(
            id: "clone-into-cgroup", title: "CLONE_INTO_CGROUP", since: KernelVersion(5, 7), source: .v2Call,
            loss: "no job can be started inside its cgroup", status: .broken),
        Feature(
            id: "pidfd", title: "pidfd", since: KernelVersion(5, 3), source: .call,
            loss: "no job can be watched and signalled safely", status: .broken),
        Feature(
            id: "close-range", title: "close_range", since: KernelVersion(5, 9), source: .call,
            loss: "files that jobs itself inherited stay open in a job"),
        Feature(
            id: "mount-setattr", title: "mount_setattr", since: KernelVersion(5, 12), source: .call,
            loss: "/sys is made read-only one mount at a time"),
        Feature(
            id: "time-namespace", title: "time namespace", since: KernelVersion(5, 6), source: .call,
            loss: "jobs with `isolation: time` are refused"),
        Feature(
            id: "seccomp", title: "seccomp filter", since: KernelVersion(3, 17), source: .call,
            loss: "only root's jobs run, with `--seccomp off`", status: .broken),
        Feature(
            id: "cgroup-kill", title: "cgroup.kill", since: KernelVersion(5, 14), source: .v2File("cgroup.kill"),
            loss: "processes are killed one by one"),
        Feature(
            id: "cgroup-freeze", title: "cgroup.freeze", since: KernelVersion(5, 2), source: .v2File("cgroup.freeze"),
            loss: "jobs cannot be suspended"),
        Feature(
            id: "cpu-quota", title: "cpu quota", since: KernelVersion(4, 15),
            source: .file(.cpu, "cpu.max", v1: "cpu.cfs_quota_us"),
            loss: "`cpus` cannot be limited (CONFIG_CFS_BANDWIDTH)"),
        Feature(
            id: "memory-peak", title: "memory peak", since: KernelVersion(5, 19),
            source: .file(.memory, "memory.peak", v1: "memory.max_usage_in_bytes"),
            loss: "the memory peak is null or sampled"),
        Feature(
            id: "swap-peak", title: "swap peak", since: KernelVersion(6, 5),
            source: .file(.memory, "memory.swap.peak", v1: nil),
            loss: "the swap peak is null"),
        Feature(
            id: "pids-peak", title: "pids peak", since: KernelVersion(6, 1),
            source: .file(.pids, "pids.peak", v1: "pids.peak"), loss: "the peak of processes is null"),
        Feature(
            id: "oom-group", title: "OOM as a group", since: KernelVersion(4, 19),
            source: .file(.memory, "memory.oom.group", v1: nil),
            loss: "after an OOM kill jobs itself ends the rest of the job"),
        Feature(
            id: "oom-local", title: "OOM per level", since: KernelVersion(5, 2),
            source: .file(.memory, "memory.events.local", v1: nil),
            loss: "a limit above the job cannot be told from the machine's own shortage"),
    ]
}

extension Facts {
    var featureFindings: [Finding] { Feature.all.compactMap(finding) }

    private func finding(_ feature: Feature) -> Finding? {
        guard let file = fileName(of: feature) else { return nil }
        let (id, title) = (feature.id, feature.title)
        // The interface of v1 is older than every kernel we care for, except where it has the same file.
        let since = file.isV1Only ? nil : feature.since
        let presence = features[id] ?? .unknown
        if presence == .present {
            return Finding(id, title, .ok, since.map { "present (kernel \($0))" } ?? "present, \(file.name) of v1")
        }
        if presence == .unknown, since.map({ kernel >= $0 }) ?? true {
            return Finding(id, title, .ok, "came with kernel \(feature.since); no cgroup here could be asked for it")
        }
        if let since, kernel < since {
            return Finding(
                id, title, feature.status, "missing: came with kernel \(since), this is \(kernel); \(feature.loss)",
                remedy: "boot a kernel from \(since) on")
        }
        return Finding(
            id, title, feature.status,
            "missing, although this kernel is new enough (\(feature.since)): built without it or forbidden by a sandbox; \(feature.loss)",
            remedy: platform.container == nil
                ? "boot the distribution's own kernel" : "start the container with a seccomp profile that knows it")
    }

    /// What the feature is called here; `nil` where nothing makes use of it or a line above has said why it is not there.
    private func fileName(of feature: Feature) -> (name: String, isV1Only: Bool)? {
        switch feature.source {
        case .call: return (feature.title, false)
        case .v2Call: return cgroups?.unified == nil ? nil : (feature.title, false)
        case .v2File(let name): return cgroups?.unified == nil ? nil : (name, false)
        case .file(let controller, let name, let v1):
            switch availability(controller) {
            case .usable(.v2): return (name, false)
            case .usable(.v1): return v1.map { ($0, $0 != name) }
            case .withheld, .absent: return nil
            }
        }
    }
}
