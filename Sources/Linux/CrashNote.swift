// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What a daemon that dies of a fault of its own leaves for the next one: the job that it had in hand.
///
/// A job whose start or end is a trap would otherwise end every daemon that finds it. SIGKILL leaves nothing, because nobody
/// is asked: an administrator's `kill -9` and the OOM killer say nothing about a job.
package enum CrashNote {
    /// From now on a line `JOB SIGNAL` is appended to `file`, which must stay open.
    package static func keep(in file: Descriptor) { clinux_note_crashes(file.rawValue) }

    /// Marks what happens in `body`, on this thread, as being about a job. May be nested.
    package static func about<Value, Failure>(
        _ job: Int, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let before = clinux_set_job_in_hand(job)
        defer { clinux_set_job_in_hand(before) }
        return try body()
    }

    /// Lets the calling thread, of which there may be one, tell of the overflow of its stack; and unblocks the signals of
    /// faults, of which a blocked one would end the process unheard.
    package static func prepareThread() {
        clinux_use_alternate_stack()
        var faults = sigset_t()
        sigemptyset(&faults)
        for signal in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV] { sigaddset(&faults, signal) }
        pthread_sigmask(SIG_UNBLOCK, &faults, nil)
    }
}
