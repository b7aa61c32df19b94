// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux

extension JobsClient {
    /// The client of the daemon to talk to: the one that is named, else the machine's if it answers or is about to, else one's
    /// own.
    ///
    /// A machine with a system daemon has one queue for everybody; without it each user has a daemon of their own.
    public static func find(_ own: Locations) -> JobsClient {
        guard !own.isExplicit, own.socket != Locations.system.socket else { return JobsClient(socket: own.socket) }
        return find(own, system: .system, isRestarted: SystemdUnit.servesMachine)
    }

    /// Refuses a socket that another user could have made, who would get the job and its environment.
    package func checkPlace() throws(OwnDirectory.Objection) {
        let directory = Locations.directory(of: socket)
        guard Files.exists(directory) else { return }
        try OwnDirectory.check(directory, owners: [0, geteuid()])
    }

    /// The rules without the machine around them: a daemon that has just gone is taken for one that is being restarted, so that
    /// nobody's job goes to another queue meanwhile. When one was killed nobody knows, so that this is only for a service.
    ///
    /// - Parameter isRestarted: whether a service manager starts the machine's daemon again.
    package static func find(_ own: Locations, system: Locations, isRestarted: Bool) -> JobsClient {
        if answers(system.socket) { return JobsClient(socket: system.socket) }
        let isComing =
            switch Reappearance(socket: system.socket).sign {
            case .alive: true
            case .gone: (isRestarted || !Files.exists(system.socket)) && !answers(own.socket)
            case nil: false
            }
        return JobsClient(socket: isComing ? system.socket : own.socket)
    }

    /// `true` if somebody accepts connections there.
    package static func answers(_ path: String) -> Bool { LocalSocket.isListening(at: path) }
}
