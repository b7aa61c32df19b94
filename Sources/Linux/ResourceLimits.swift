// SPDX-License-Identifier: Apache-2.0
import Glibc

/// This process's own hard limit, to which it may raise the soft one. See `getrlimit(2)`.
///
/// - Parameter resource: the kernel's number, `<asm-generic/resource.h>`.
package func hardLimit(of resource: CInt) -> UInt64 {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(UInt32(resource)), &limit)
    return UInt64(limit.rlim_max)
}
