// SPDX-License-Identifier: Apache-2.0
import Logging
import Queue
import Supervisor

/// The one place where a job's phase changes and what follows is done.
extension Dispatcher {
    /// - Returns: `false` if the event was late, or contradicted the phase.
    @discardableResult
    func apply(_ event: PhaseEvent<Attempt>, to id: Int) -> Bool {
        switch table.apply(event, to: id) {
        case .none: break
        case .late: return false
        case .impossible:
            log.error(
                "a mistake in jobsd: \(event.name) does not go with the phase \(table.phase(of: id).name); please report it",
                metadata: ["JOB_ID": "\(id)"])
            return false
        case .launch: launch(id)
        case .begin(let attempt): begin(attempt)
        case .revoke(let attempt): revoke(attempt)
        case .startAgain: startAgain(id)
        case .abandon(let attempt): attempt.handle?.abandon()
        case .write(let ended): write(ended)
        case .follow(let ended): follow(ended)
        case .giveUp(let ended): giveUp(ended)
        }
        return true
    }
}
