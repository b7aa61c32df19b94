// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import SystemPackage
import Systemd

/// The systemd scope in which a daemon's jobs live, so that restarting the daemon's service leaves them alone.
///
/// A scope lives as long as it holds a process, so one sleeps in it. The next daemon finds the scope by a note in the
/// runtime directory, which a reboot clears along with the scope.
struct QueueScope {
    let name: String
    let runtimeDirectory: String
    let host: CgroupHost

    /// The process that holds a scope which was made here.
    private var keeper: Process?

    private var note: String { runtimeDirectory + "/cgroup" }

    init(name: String, runtimeDirectory: String, host: CgroupHost) {
        self.name = name
        self.runtimeDirectory = runtimeDirectory
        self.host = host
    }

    /// The scope's directory; made if there is none.
    mutating func find() throws(CgroupError) -> String {
        if let text = try? Files.read(note), let path = text.split(separator: "\n").first.map(String.init),
            (try? CgroupDirectory(path: path, version: .v2))?.isPopulated == true
        {
            return path
        }
        return try make()
    }

    /// Lets a scope that was made here end with its keeper; systemd removes it.
    func takeBack() {
        guard let keeper else { return }
        unlink(note)
        try? keeper.signal(SIGKILL)
        _ = try? keeper.wait()
    }

    private mutating func make() throws(CgroupError) -> String {
        let keeper = try startKeeper()
        self.keeper = keeper
        do throws(CgroupError) { return try make(heldBy: keeper) } catch {
            takeBack()
            throw error
        }
    }

    private func make(heldBy keeper: Process) throws(CgroupError) -> String {
        do throws(Scope.Failure) {
            // The pid makes the name new: a scope of an earlier daemon may not have been collected yet.
            try Scope.start(name: "\(name)-\(keeper.pid).scope", description: "Jobs of jobsd", pid: keeper.pid)
        } catch {
            throw CgroupError(
                "get a delegated cgroup below", host.unified?.own ?? "/",
                remedy: "\(error.description); `jobs doctor` tells what is missing")
        }
        let membership = (try? Files.read("/proc/\(keeper.pid)/cgroup")) ?? ""
        guard let mount = host.unified?.mountPoint,
            let line = membership.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
        else { throw CgroupError("find the cgroup of", "\(name).scope") }
        let path = mount + line.dropFirst(3)
        // Controllers cannot be handed down from a cgroup that holds processes.
        try CgroupDirectory.make(path + "/keeper", version: .v2, mayExist: true).takeIn(keeper.pid)
        do throws(Errno) {
            try Descriptor.open(note, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).write(path + "\n")
        } catch { throw CgroupError("write", note, errno: error) }
        return path
    }

    private func startKeeper() throws(CgroupError) -> Process {
        let null: Descriptor
        do throws(Errno) { null = try Descriptor.open("/dev/null", O_RDWR) } catch {
            throw CgroupError("open", "/dev/null", errno: error)
        }
        let standardIO = [null.rawValue, null.rawValue, null.rawValue]
        do throws(Process.SpawnError) {
            return try Process.spawn(
                Process.Request(path: "/bin/sleep", arguments: ["sleep", "infinity"], descriptors: standardIO))
        } catch { throw CgroupError("start", "/bin/sleep", errno: error.errno) }
    }
}
