// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Gives memory that was freed back to the kernel, which glibc keeps as long as anything above it is in use. See
/// `malloc_trim(3)`.
package func trimMemory() { clinux_trim_memory() }

/// Bounds the arenas that threads take memory from, of which glibc makes eight for each CPU and which keep what they took.
/// Before there are threads. See `mallopt(3)`.
package func limitMemoryArenas(_ count: CInt) { clinux_limit_arenas(count) }

/// Whether any swap is on; zram counts. See `sysinfo(2)`.
package var hasSwap: Bool {
    var info = sysinfo()
    return sysinfo(&info) == 0 && info.totalswap > 0
}
