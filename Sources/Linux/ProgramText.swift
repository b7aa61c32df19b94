// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Lets the kernel forget which pages of the program's code this process has mapped.
///
/// The kernel maps sixteen pages for each one that is touched (`do_fault_around`), so a start that runs through all of a large
/// program leaves most of it mapped, as resident memory that is never used again and that is reclaimed late. What runs later is
/// mapped anew from the page cache, without reading. See `MADV_DONTNEED` in `madvise(2)`: of a mapping that nobody has written to
/// it loses nothing.
package func forgetProgramText() {
    guard let program = try? Files.readLink("/proc/self/exe"), let maps = try? Files.read("/proc/self/maps") else {
        return
    }
    for line in maps.split(separator: "\n") where line.hasSuffix(" " + program) {
        let fields = line.split(separator: " ", maxSplits: 2)
        let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
        // Never one that is or was writable: relocated data is read-only by now, and exists nowhere else.
        guard fields.count == 3, fields[1] == "r-xp", ends.count == 2, ends[0] < ends[1] else { continue }
        madvise(UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
    }
}
