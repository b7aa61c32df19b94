// SPDX-License-Identifier: Apache-2.0
import JobModel

/// What a job is counted with, or what a machine has for jobs.
package struct Resources: Hashable, Sendable {
    package var memoryBytes: Int
    package var milliCPUs: Int

    package init(memoryBytes: Int = 0, milliCPUs: Int = 0) {
        self.memoryBytes = memoryBytes
        self.milliCPUs = milliCPUs
    }

    /// Whether this can be had from `room`.
    ///
    /// Asking for none of something always fits, also where more than everything is in use (`room` is negative): such a
    /// job takes nothing from anybody.
    package func fits(in room: Self) -> Bool {
        (memoryBytes <= 0 || memoryBytes <= room.memoryBytes) && (milliCPUs <= 0 || milliCPUs <= room.milliCPUs)
    }

    /// What of this is lacking in `room`, in words: `needs 2G of memory, 1.2G free, and 4 CPUs, 1.5 free`.
    func shortage(in room: Self, _ word: String) -> String {
        var parts: [String] = []
        if memoryBytes > 0, memoryBytes > room.memoryBytes {
            parts.append("\(ByteCount(memoryBytes)) of memory, \(ByteCount(max(0, room.memoryBytes))) \(word)")
        }
        if milliCPUs > 0, milliCPUs > room.milliCPUs {
            let unit = milliCPUs == 1000 ? "CPU" : "CPUs"
            parts.append("\(CPUCount(milli: milliCPUs)) \(unit), \(CPUCount(milli: max(0, room.milliCPUs))) \(word)")
        }
        return parts.joined(separator: ", and ")
    }

    // Wrapping: a single request is bounded where it is read, but nothing bounds how many run. A sum that has wrapped is
    // right again when what it is a sum of has been taken away, which a saturated one is not.
    static func + (a: Self, b: Self) -> Self {
        Self(memoryBytes: a.memoryBytes &+ b.memoryBytes, milliCPUs: a.milliCPUs &+ b.milliCPUs)
    }

    static func - (a: Self, b: Self) -> Self {
        Self(memoryBytes: a.memoryBytes &- b.memoryBytes, milliCPUs: a.milliCPUs &- b.milliCPUs)
    }

    static func += (a: inout Self, b: Self) { a = a + b }
    static func -= (a: inout Self, b: Self) { a = a - b }
}
