// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobFile
import JobModel
import JobsAPI
import Linux

/// Where and with what a job is submitted: what a batch user expects to find again when it runs.
enum Origin {
    static func submission(_ source: JobSource, exporting policy: ExportPolicy) -> Submission {
        Submission(
            job: source.json, environment: policy.exported(from: currentEnvironment()),
            directory: Files.currentDirectory, umask: Int(mask), rlimits: softLimits)
    }

    /// There is no call that only asks.
    private static var mask: mode_t {
        let mask = umask(0o077)
        umask(mask)
        return mask
    }

    /// By name; -1 is "unlimited". Not `nproc`, which counts all of a user's processes.
    private static var softLimits: [String: Int] {
        let resources: KeyValuePairs = [
            "cpu": RLIMIT_CPU, "fsize": RLIMIT_FSIZE, "data": RLIMIT_DATA, "stack": RLIMIT_STACK, "core": RLIMIT_CORE,
            "nofile": RLIMIT_NOFILE, "as": RLIMIT_AS,
        ]
        var limits: [String: Int] = [:]
        for (name, resource) in resources {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { continue }
            limits[name] = limit.rlim_cur == rlim_t.max ? -1 : Int(limit.rlim_cur)
        }
        // MEMLOCK is an enumerator that the importer shows under another type.
        var locked = rlimit()
        if getrlimit(__rlimit_resource_t(8), &locked) == 0 {
            limits["memlock"] = locked.rlim_cur == rlim_t.max ? -1 : Int(locked.rlim_cur)
        }
        return limits
    }
}
