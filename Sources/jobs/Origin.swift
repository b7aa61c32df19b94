// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobFile
import JobModel
import JobsAPI
import Linux

/// Where and with what a job is submitted: what a batch user expects to find again when it runs.
enum Origin {
    static func submission(_ source: JobSource, exporting policy: ExportPolicy) -> Submission {
        let limits = limits
        return Submission(
            job: source.json, environment: policy.exported(from: currentEnvironment()),
            directory: Files.currentDirectory, umask: Int(mask), rlimits: limits.soft, hardRlimits: limits.hard)
    }

    /// There is no call that only asks.
    private static var mask: mode_t {
        let mask = umask(0o077)
        umask(mask)
        return mask
    }

    /// By name; -1 is "unlimited".
    private static var limits: (soft: [String: Int], hard: [String: Int]) {
        // The kernel's numbers, `<asm-generic/resource.h>`: the importer shows some of them under another type.
        let resources: KeyValuePairs = [
            "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "nproc": 6, "nofile": 7, "memlock": 8, "as": 9,
        ]
        func number(_ value: rlim_t) -> Int { value == rlim_t.max ? -1 : Int(clamping: value) }
        var (soft, hard): ([String: Int], [String: Int]) = ([:], [:])
        for (name, resource) in resources {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(UInt32(resource)), &limit) == 0 else { continue }
            soft[name] = number(limit.rlim_cur)
            hard[name] = number(limit.rlim_max)
        }
        return (soft, hard)
    }
}
