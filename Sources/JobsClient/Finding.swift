// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux
import SystemPackage

extension JobsClient {
    /// The client of the daemon to talk to: the one that is named, else the machine's if it answers, else one's own.
    ///
    /// A machine with a system daemon has one queue for everybody; without it each user has a daemon of their own.
    public static func find(_ own: Locations) -> JobsClient {
        guard !own.isExplicit, own.socket != Locations.system.socket, answers(Locations.system.socket) else {
            return JobsClient(socket: own.socket)
        }
        return JobsClient(socket: Locations.system.socket)
    }

    /// Refuses a socket that another user could have made, who would get the job and its environment.
    package func checkPlace() throws(OwnDirectory.Objection) {
        let directory = FilePath(socket).removingLastComponent().string
        guard Files.exists(directory) else { return }
        try OwnDirectory.check(directory, owners: [0, geteuid()])
    }

    /// `true` if somebody accepts connections there.
    package static func answers(_ path: String) -> Bool {
        let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
