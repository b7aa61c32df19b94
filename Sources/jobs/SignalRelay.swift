// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Supervisor
import SystemPackage

/// What signals to `jobs run` mean for the job.
final class SignalRelay {
    /// For the job to make something of: the user's two, and those of real time.
    static let forwarded = [SIGUSR1, SIGUSR2] + Array(CInt(34)...64)
    /// They are about this process, whose end would leave the job without its account.
    static let survived = [SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGIO, SIGPWR, SIGSTKFLT, SIGTTIN, SIGTTOU]

    private let signals: SignalQueue
    private let attempt: Attempt
    private let terminal: TerminalRelay?

    init(signals: SignalQueue, attempt: Attempt, terminal: TerminalRelay?) {
        self.signals = signals
        self.attempt = attempt
        self.terminal = terminal
    }

    func begin(_ loop: EventLoop) throws(Errno) {
        attempt.onRemark = { [unowned attempt, terminal] in
            // So that Ctrl-C is ours again.
            terminal?.restore()
            complain("\(attempt.survival ?? ""); press Ctrl-C to leave it behind")
        }
        try loop.watch(signals.descriptor.rawValue) { [self] in
            while let (signal, _) = signals.next() { handle(signal) }
        }
    }

    private func handle(_ signal: CInt) {
        switch signal {
        case SIGWINCH: terminal?.copySize()
        case SIGTSTP: suspend()
        case _ where Self.forwarded.contains(signal): attempt.forward(signal)
        default:
            attempt.cancel(signal: signal)
            if attempt.survival != nil { attempt.leave() }
        }
    }

    /// Ctrl-Z: the job is in another session and did not hear it, so it is frozen while we are stopped.
    private func suspend() {
        try? attempt.setSuspended(true)
        kill(getpid(), SIGSTOP)
        try? attempt.setSuspended(false)
    }
}
