// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import SystemPackage

package enum Affinity {
    /// Asks for every CPU and gets those of the cgroup's set. See `sched_setaffinity(2)`.
    package static func takeAll() throws(Errno) {
        // 1024 CPUs, as glibc has it; bits of CPUs that there are not mean nothing.
        let all = [UInt64](repeating: .max, count: 16)
        let result = all.withUnsafeBufferPointer { all in
            clinux_syscall(Int(SYS_sched_setaffinity), 0, all.count * 8, Int(bitPattern: all.baseAddress), 0, 0, 0)
        }
        if result < 0 { throw Errno(rawValue: CInt(-result)) }
    }
}
