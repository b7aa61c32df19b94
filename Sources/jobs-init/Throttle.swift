// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Sandbox
import SystemPackage

/// How fast jobs-init copies a job's output into its log: work for the job that the job's limits know nothing of, since
/// jobs-init is in none of its cgroups.
///
/// A job of a tenth of a CPU that hands pages over with `vmsplice` would have jobs-init write gigabytes. So copying has the
/// same quota as the job: of CPU time, as it is measured here and not guessed for a machine, and of bytes to the disk that
/// the log is on. While it is used up the pipe is left full, and the job waits for it as for any slow reader.
struct Throttle {
    /// Becomes readable when copying may go on; `nil` if nothing limits it.
    let timer: Timer?
    private let milliCPUs: Int?
    private let bytesPerSecond: Int?
    /// The moments on the monotonic clock at which what was used will have been earned.
    private var cpuPaid = 0
    private var bytesPaid = 0

    /// What may be used at once, as the kernel's own quotas have it: the share of one period.
    private static let burstUsec = 100_000

    init(_ queued: Plan.Queued) throws(Errno) {
        (milliCPUs, bytesPerSecond) = (queued.outputMilliCPUs, queued.outputBytesPerSecond)
        timer = milliCPUs == nil && bytesPerSecond == nil ? nil : try Timer()
    }

    /// Whether more may be copied; if not, the timer is set for when it may.
    func isOpen() -> Bool {
        guard let timer else { return true }
        timer.acknowledge()
        let wait = max(cpuPaid, bytesPaid) - Clock.monotonicMicroseconds
        if wait > 0 { try? timer.arm(microseconds: wait) }
        return wait <= 0
    }

    /// Copies, and notes what that took.
    ///
    /// - Parameter copy: returns the number of bytes.
    mutating func charge(_ copy: () -> Int) {
        let cpu = milliCPUs == nil ? 0 : Clock.processCPUMicroseconds
        let bytes = copy()
        if let milliCPUs {
            cpuPaid = Self.paid(cpuPaid, (Clock.processCPUMicroseconds - cpu) * 1000 / max(1, milliCPUs))
        }
        if let bytesPerSecond { bytesPaid = Self.paid(bytesPaid, bytes * 1_000_000 / max(1, bytesPerSecond)) }
    }

    private static func paid(_ before: Int, _ usec: Int) -> Int {
        max(before, Clock.monotonicMicroseconds - burstUsec) + usec
    }
}
