// SPDX-License-Identifier: Apache-2.0
import CLanes
import JobsServer
import Synchronization
import Systemd

/// Feeds systemd's watchdog as long as everything moves that an answer needs: the queue's thread, which calls ``beat()``, the
/// lanes that understand requests, and the event loops of the connections.
final class Watchdog: Sendable {
    /// How many have yet to answer what was asked last.
    private let open = Mutex(0)

    /// To be called on the queue's thread, now and then. What was asked at one beat has answered at the next, or hangs.
    func beat() {
        guard open.withLock({ $0 == 0 }) else { return }
        Notify.watchdog()
        // Answers that come before this line are counted all the same: the sum is looked at by the next beat alone.
        let loops = Server.askEventLoops { self.answer() }
        open.withLock { $0 += loops + Int(clanes_count()) }
        let context = Unmanaged.passUnretained(self).toOpaque()
        // The watchdog lives as long as the daemon; the pointer is its own.
        clanes_ask({ Unmanaged<Watchdog>.fromOpaque($0!).takeUnretainedValue().answer() }, context)
    }

    private func answer() { open.withLock { $0 -= 1 } }
}
