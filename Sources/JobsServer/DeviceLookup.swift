// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JobModel
import JobStore
import Linux
import Queue
import Supervisor
import SystemPackage

/// Looks up the devices that jobs name by paths, with the rights of their owners.
///
/// Not on the queue's thread, and on none of a pool: a path may lie on a file server that does not answer, which holds the
/// thread for as long.
struct DeviceLookup: Sendable {
    /// How long a job waits for it.
    static let limit = JobDuration.seconds(5)

    private static let most = 4
    private let pool = PermitPool(limit: most)

    /// - Parameter then: called on a thread of no one's, or at once if there are too many that have not come back.
    func start(
        _ limits: Limits, for owner: StoredJob.Owner, then: @escaping @Sendable (Result<Limits, CgroupError>) -> Void
    ) {
        let path = limits.devicePaths.first ?? ""
        guard let permit = pool.permit(for: owner.uid, isExempt: false) else {
            let remedy =
                "\(Self.most) such questions of \(owner.name)'s have no answer yet; name devices by number, as 8:0"
            return then(.failure(CgroupError("find the device", path, remedy: remedy)))
        }
        do throws(Errno) {
            try DetachedThread.run {
                defer { withExtendedLifetime(permit) {} }
                then(Self.find(limits, as: owner))
            }
        } catch { then(.failure(CgroupError("find the device", path, errno: error))) }
    }

    /// The error for a job that has waited for ``limit``.
    static func noAnswer(_ limits: Limits) -> CgroupError {
        CgroupError(
            "find the device", limits.devicePaths.joined(separator: " or "),
            remedy: "the file system that it lies on has not answered for \(limit)")
    }

    private static func find(_ limits: Limits, as owner: StoredJob.Owner) -> Result<Limits, CgroupError> {
        func find() -> Result<Limits, CgroupError> {
            Result { () throws(CgroupError) in try limits.withDeviceNumbers() }
        }
        guard owner.uid != geteuid() else { return find() }
        let groups = Account.of(owner.uid)?.groups(primary: owner.gid) ?? []
        do throws(Errno) { return try Credentials.withFileAccess(of: owner.uid, owner.gid, groups) { find() } } catch {
            return .failure(CgroupError("look up devices as", owner.name, errno: error))
        }
    }
}
