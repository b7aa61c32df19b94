// SPDX-License-Identifier: Apache-2.0

public import JobModel

/// Two settings that are each fine and cannot both hold.
struct Contradiction: Sendable {
    /// The settings by path, the one to change first.
    var settings: [[String]]
    var message: String
}

extension Settings {
    /// What cannot hold together in `spec`; call it once more after flags were applied to what a file said.
    public static func contradictions(in spec: JobSpec) -> [Problem] {
        conflicts(in: spec).map { Problem($0.message) }
    }

    static func conflicts(in spec: JobSpec) -> [Contradiction] {
        let limits = spec.limits
        let isolation = spec.isolation
        var found: [Contradiction] = []
        func refuse(_ message: String, _ settings: [String]...) {
            found.append(Contradiction(settings: settings, message: message))
        }
        if let soft = limits.memorySoft, let hard = limits.memory, soft > hard {
            refuse(
                "memory-soft (\(soft)) is above memory (\(hard)), so it would never be reached",
                ["limits", "memory-soft"], ["limits", "memory"])
        }
        if limits.swap != .bytes(ByteCount(0)), limits.memory == nil {
            refuse("swap needs memory: swap is what a job may use beyond its memory limit", ["limits", "swap"])
        }
        if isolation.privateTmp, !isolation.mount {
            refuse(
                "private-tmp needs mount: without a mount namespace it would cover everyone's /tmp",
                ["isolation", "private-tmp"], ["isolation", "mount"])
        }
        if isolation.shm == .private, !isolation.mount {
            refuse(
                "shm: private needs mount: without a mount namespace it would cover everyone's /dev/shm",
                ["isolation", "shm"], ["isolation", "mount"])
        }
        if isolation.maskPaths, !isolation.mount {
            refuse(
                "mask-paths needs mount: without a mount namespace it would hide the paths from everyone",
                ["isolation", "mask-paths"], ["isolation", "mount"])
        }
        if !isolation.pid, !isolation.initProcess {
            refuse(
                "init: false needs pid: without a PID namespace the command cannot be process 1",
                ["isolation", "init"], ["isolation", "pid"])
        }
        if spec.hostname != nil, !isolation.uts {
            refuse(
                "hostname needs uts: without a UTS namespace it would rename the machine", ["hostname"],
                ["isolation", "uts"])
        }
        let retry = spec.scheduling.retry
        if retry.memoryFactor != nil, limits.memory == nil {
            refuse("oom-factor needs memory: there is no limit that could grow", ["queue", "oom-factor"])
        }
        if retry.memoryCeiling != nil, retry.memoryFactor == nil {
            refuse("oom-max needs oom-factor: without it the limit never grows", ["queue", "oom-max"])
        }
        if let ceiling = retry.memoryCeiling, let memory = limits.memory, ceiling < memory {
            refuse("oom-max (\(ceiling)) is below memory (\(memory))", ["queue", "oom-max"], ["limits", "memory"])
        }
        if retry.backoff > retry.backoffCeiling {
            refuse(
                "backoff (\(retry.backoff)) is above backoff-max (\(retry.backoffCeiling)), which would cut it down",
                ["queue", "backoff"], ["queue", "backoff-max"])
        }
        return found
    }
}
