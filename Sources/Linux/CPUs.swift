// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// How many CPUs this process may run on. See `sched_getaffinity(2)`.
package var usableCPUs: Int {
    // For 8192 CPUs, more than any kernel is built for.
    var mask = [UInt8](repeating: 0, count: 1024)
    let bytes = mask.withUnsafeMutableBytes {
        clinux_syscall(Int(SYS_sched_getaffinity), 0, $0.count, Int(bitPattern: $0.baseAddress), 0, 0, 0)
    }
    guard bytes > 0 else { return max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }
    return max(1, mask.prefix(bytes).reduce(0) { $0 + $1.nonzeroBitCount })
}
