// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import JobsServer
import Linux
import SystemPackage

/// The lock that says that this state directory has its daemon, and the socket by which clients see that; the kernel drops
/// both with the process, the lock first.
struct InstanceLock {
    private let locations: Locations
    private let file: Descriptor
    private let life: Descriptor
    /// The directories that were not there before.
    private let made: [String]
    /// The life socket of a daemon before, which tells clients that it has ended.
    private let hasPredecessor: Bool

    init(_ locations: Locations) throws {
        self.locations = locations
        hasPredecessor = Files.exists(locations.lifeSocket)
        let made: [String]
        do throws(OwnDirectory.Objection) {
            made = try OwnDirectory.make([locations.state, locations.runtime])
        } catch { throw StartError(description: error.description) }
        var isReady = false
        defer { if !isReady { OwnDirectory.remove(made) } }
        self.made = made
        file = try Self.lock(locations)
        do throws(Errno) {
            // As many as may wait for the API.
            life = try LocalSocket.listen(at: locations.lifeSocket, backlog: 4096)
        } catch {
            throw StartError(
                description:
                    "cannot listen at \(locations.lifeSocket): \(error); make \(locations.runtime) writable for the daemon's user"
            )
        }
        Server.showToJobs(locations.lifeSocket)
        isReady = true
    }

    private static func path(_ locations: Locations) -> String { locations.state + "/lock" }

    private static func lock(_ locations: Locations) throws(StartError) -> Descriptor {
        let path = path(locations)
        while true {
            let file: Descriptor
            do throws(Errno) { file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600) } catch {
                throw StartError(
                    description: "cannot open \(path): \(error); make it writable for the daemon's user")
            }
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                throw StartError(
                    description:
                        "another jobsd has \(locations.state); stop it, or set JOBS_STATE_DIR for a second instance",
                    isTaken: true)
            }
            // One that did not start may have removed it since it was opened here: then it is no longer everybody's.
            var own = stat()
            if fstat(file.rawValue, &own) == 0, let now = try? Files.status(path), now.st_ino == own.st_ino,
                now.st_dev == own.st_dev
            {
                return file
            }
        }
    }

    /// Removes what a daemon that does not start has made here; directories go if they are its own and nothing else is in them.
    func takeBack() {
        Server.hideFromJobs(locations.lifeSocket)
        if !hasPredecessor { unlink(locations.lifeSocket) }
        unlink(Self.path(locations))
        OwnDirectory.remove(made)
    }
}
