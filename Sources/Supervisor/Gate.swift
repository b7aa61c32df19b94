// SPDX-License-Identifier: Apache-2.0
import Linux
import Synchronization

/// What a queued job's jobs-init waits at before its command: a pipe, and the two things that must be true before a byte
/// goes through it.
///
/// It opens from any thread, so that the one that has put the start on disk need not wait for the one that decides.
package final class Gate: Sendable {
    private struct State {
        // Without its first frame in the report a later daemon could not find it, and would run the job again.
        var isBorn = false
        var isOnDisk = false
        var pipe: Descriptor?
    }

    private let state: Mutex<State>

    init(_ pipe: Descriptor) { state = Mutex(State(pipe: pipe)) }

    /// jobs-init is there, and the report says so.
    func noteBirth() { change { $0.isBorn = true } }

    /// The start is on disk: the command may run.
    package func noteStart() { change { $0.isOnDisk = true } }

    /// Without a byte, which ends jobs-init.
    func close() { change { $0.pipe = nil } }

    private func change(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            guard state.isBorn, state.isOnDisk, let pipe = state.pipe else { return }
            state.pipe = nil
            try? pipe.write([1])
        }
    }
}
