// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The resource limits that a job takes over from its submitter, with the kernel's numbers, `<asm-generic/resource.h>`: the
/// importer shows some of them under another type.
package let resourceLimitNumbers: [String: CInt] = [
    "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "nproc": 6, "nofile": 7, "memlock": 8, "as": 9,
]

/// This process's own hard limit, to which it may raise the soft one. See `getrlimit(2)`.
///
/// - Parameter resource: the kernel's number, `<asm-generic/resource.h>`.
package func hardLimit(of resource: CInt) -> UInt64 {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(UInt32(resource)), &limit)
    return UInt64(limit.rlim_max)
}
