// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Linux
import Queue
import Scheduler
import SystemPackage

/// An operator's orders to the queue.
extension Dispatcher {
    /// Whether new attempts may start; those that run go on.
    func setDraining(_ draining: Bool) throws {
        try set { $0.isDraining = draining }
        scheduler.isDraining = draining || ledger.trouble != nil
        if draining { takeBackAll() }
        statusChanged()
        dispatch()
    }

    private func set(_ change: (inout QueueSettings) -> Void) throws(QueueError) {
        var new = queueSettings
        change(&new)
        do throws(Errno) { try new.write(settings.stateDirectory) } catch {
            throw .settingsNotWritten(directory: settings.stateDirectory, error)
        }
        queueSettings = new
    }

    func setParallel(_ parallel: Int?, ofGroup name: String) throws {
        try set { $0.groups[name] = .some(parallel) }
        scheduler.setParallel(parallel, ofGroup: name)
        dispatch()
    }

    /// Makes a group without a limit; one that is there stays as it is.
    func createGroup(_ name: String) throws {
        guard queueSettings.groups[name] == nil else { return }
        try set { $0.groups[name] = .some(nil) }
    }

    /// Whether jobs of groups that nobody has made are refused.
    func setStrict(_ isStrict: Bool) throws { try set { $0.isStrict = isStrict } }
}

extension JobState {
    var isLiveAttempt: Bool { self == .running || self == .suspended }
}
