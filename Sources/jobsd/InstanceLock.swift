// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import JobsServer
import Linux
import SystemPackage

/// The lock that says that this state directory has its daemon, and the socket by which clients see that; the kernel drops
/// both with the process, the lock first.
struct InstanceLock {
    private let file: Descriptor
    private let life: Descriptor

    init(_ locations: Locations) throws {
        let mode: mode_t = geteuid() == 0 ? 0o755 : 0o700
        for path in [locations.state, locations.runtime] {
            do throws(OwnDirectory.Objection) { try OwnDirectory.make(path, mode: mode) } catch {
                throw StartError(description: error.description)
            }
        }
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
    }

    private static func lock(_ locations: Locations) throws(StartError) -> Descriptor {
        let path = locations.state + "/lock"
        let file: Descriptor
        do throws(Errno) { file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600) } catch {
            throw StartError(description: "cannot open \(path): \(error); make it writable for the daemon's user")
        }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            throw StartError(
                description:
                    "another jobsd has \(locations.state); stop it, or set JOBS_STATE_DIR for a second instance",
                isTaken: true)
        }
        return file
    }
}
