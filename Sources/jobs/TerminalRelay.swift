// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Supervisor
import SystemPackage

/// A pseudo-terminal for the job, joined to ours: keys go in raw, output comes out, sizes are copied.
final class TerminalRelay {
    private let loop: EventLoop
    private let master: Descriptor
    private var slave: Descriptor?
    private let outer: termios?
    private var attempt: Attempt?

    init(loop: EventLoop) throws(Errno) {
        self.loop = loop
        let pair = try Terminal.openPair()
        master = pair.master
        slave = pair.slave
        var state = termios()
        outer = tcgetattr(0, &state) == 0 ? state : nil
        try master.setNonBlocking()
        copySize()
    }

    /// What the job gets as its standard descriptors.
    var standardIO: [CInt] { slave.map { [$0.rawValue, $0.rawValue, $0.rawValue] } ?? [0, 1, 2] }

    func begin(_ attempt: Attempt) {
        self.attempt = attempt
        // Only the job holds it now, so that its end is the end of the output.
        slave = nil
        makeRaw()
        attempt.onStop = { [self] in stopped() }
        try? loop.watch(master.rawValue) { [self] in copyOutput() }
        // A file or /dev/null as input is always ready and cannot be polled (EPERM): it is copied at once.
        do throws(Errno) { try loop.watch(0) { [self] in copyInput() } } catch { while copyInput() {} }
    }

    /// What was written before the end and not yet copied.
    func finish() {
        copyOutput()
        restore()
    }

    func restore() {
        guard var outer else { return }
        tcsetattr(0, TCSADRAIN, &outer)
    }

    func copySize() {
        guard let size = Terminal.size(of: 0) ?? Terminal.size(of: 1) else { return }
        Terminal.setSize(of: master.rawValue, rows: size.rows, columns: size.columns)
    }

    private func makeRaw() {
        guard var raw = outer else { return }
        cfmakeraw(&raw)
        tcsetattr(0, TCSADRAIN, &raw)
    }

    private func copyOutput() {
        while true {
            // EIO is how a pseudo-terminal says that nobody holds the other side.
            guard let bytes = try? master.read(), !bytes.isEmpty else { break }
            try? Descriptor.standardOutput.write(bytes)
        }
        if !isOpen { loop.forget(master.rawValue) }
    }

    private var isOpen: Bool {
        var state = pollfd(fd: master.rawValue, events: 0, revents: 0)
        poll(&state, 1, 0)
        return state.revents & CShort(POLLHUP) == 0
    }

    @discardableResult
    private func copyInput() -> Bool {
        guard let bytes = try? Descriptor.standardInput.read(limit: 4096), !bytes.isEmpty else {
            loop.forget(0)
            // End of input for whoever reads lines: Ctrl-D.
            try? master.write([4])
            return false
        }
        try? master.write(bytes)
        return true
    }

    /// The command stopped (Ctrl-Z): give the outer shell its terminal back, stop with it, and go on together.
    private func stopped() {
        copyOutput()
        restore()
        kill(getpid(), SIGSTOP)
        makeRaw()
        copySize()
        attempt?.forward(SIGCONT)
    }
}

extension Descriptor {
    static let standardInput = Descriptor(0)
}
