// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Readings of the kernel's clocks in microseconds.
package enum Clock {
    package static var monotonicMicroseconds: Int { read(CLOCK_MONOTONIC) }
    package static var realtimeMicroseconds: Int { read(CLOCK_REALTIME) }

    /// The CPU time of this process.
    package static var processCPUMicroseconds: Int { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Since boot, suspended time included, in the ticks of `/proc/PID/stat`.
    package static var bootTicks: Int { read(CLOCK_BOOTTIME) / (1_000_000 / max(1, sysconf(CInt(_SC_CLK_TCK)))) }

    private static func read(_ clock: clockid_t) -> Int {
        var time = timespec()
        clock_gettime(clock, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }
}
