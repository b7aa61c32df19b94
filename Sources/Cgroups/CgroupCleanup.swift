// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import SystemPackage

extension AttemptCgroup {
    /// Kills everyone in here and below, also those that fork, stopped or frozen themselves.
    package func kill() { CgroupCleanup.kill(paths) }

    /// Whether ``kill()`` reaches a process that forks meanwhile, by `cgroup.kill` (5.14).
    package var killsForkProof: Bool { unified?.has("cgroup.kill") ?? false }

    /// Everyone in here and below, as pids of our PID namespace.
    package var processes: [pid_t] {
        Set(paths.flatMap { Self.everyone(in: $0.path, version: $0.version) }).filter { $0 > 0 }.sorted()
    }

    /// Whether its processes have been told to stand still.
    package var isFrozen: Bool {
        if let unified { return unified.readInt("cgroup.freeze") == 1 }
        return directories[.freezer]?.readInt("freezer.self_freezing") == 1
    }

    /// Freezes or thaws everyone. v2 or the v1 freezer, whichever is here.
    package func setFrozen(_ frozen: Bool) throws(CgroupError) {
        if let unified {
            try unified.write(frozen ? "1" : "0", to: "cgroup.freeze")
        } else if let freezer = directories[.freezer] {
            try freezer.write(frozen ? "FROZEN" : "THAWED", to: "freezer.state")
        }
    }

    /// Removes the directories; kills first whoever is still there.
    ///
    /// - Throws: if a process cannot be killed within two seconds, with its name and state.
    package func remove() throws(CgroupError) { try CgroupCleanup.remove(paths) }

    /// In the order of removal: what `CgroupRoot.attempts()` looks for goes last, so that a removal cut short is found.
    private var paths: [(path: String, version: CgroupVersion)] {
        var seen: Set<String> = []
        let last = [directories[.memory], unified].compactMap { $0 }
        let first = directories.values.filter { directory in !last.contains { $0.path == directory.path } }
        return (first + last).filter { seen.insert($0.path).inserted }.map { ($0.path, $0.version) }
    }
}

extension CgroupRoot {
    /// Removes an attempt's cgroup, if there is one of that name.
    package func remove(_ name: String) throws(CgroupError) {
        let paths = paths(of: name)
        if !paths.isEmpty { try CgroupCleanup.remove(paths) }
    }

    /// Whether an attempt of that name has processes.
    package func isPopulated(_ name: String) -> Bool {
        paths(of: name).contains { !AttemptCgroup.everyone(in: $0.path, version: $0.version).isEmpty }
    }

    /// Where an attempt lies by its name alone, as far as its directories stand; `nil` if none does.
    package func place(of name: String) -> AttemptCgroup.Place? {
        let standing = Set(paths(of: name).map(\.path))
        guard !standing.isEmpty else { return nil }
        let unified = unifiedBase.map { $0 + "/" + name }.flatMap { standing.contains($0) ? $0 : nil }
        var controllers: [Controller: String] = [:]
        for controller in Controller.allCases {
            let path =
                v1Bases[controller].map { $0 + "/" + name } ?? (v2Controllers.contains(controller) ? unified : nil)
            if let path, standing.contains(path) { controllers[controller] = path }
        }
        return AttemptCgroup.Place(name: name, unified: unified, controllers: controllers)
    }

    /// The directories of an attempt that there are.
    private func paths(of name: String) -> [(path: String, version: CgroupVersion)] {
        bases.map { ($0.path + "/" + name, $0.version) }.filter { Files.exists($0.0) }
    }

    /// Removes what a supervisor that is gone left behind.
    ///
    /// - Returns: the names removed, and the errors of those that would not go.
    package func removeStale(
        isAlive: (String, _ directories: [String]) -> Bool = { AttemptName.isAlive($0, in: $1) }
    ) -> (removed: [String], errors: [CgroupError]) {
        var removed: [String] = []
        var errors: [CgroupError] = []
        for name in attempts() {
            let paths = paths(of: name)
            if isAlive(name, paths.map(\.path)) { continue }
            do throws(CgroupError) {
                try CgroupCleanup.remove(paths)
                removed.append(name)
            } catch { errors.append(error) }
        }
        return (removed, errors)
    }
}

/// Emptying and removing cgroups that may be hostile.
enum CgroupCleanup {
    /// EBUSY lasts some milliseconds after a kill on v1; a process in uninterruptible sleep lasts as long as its device.
    private static let patienceUsec = 2_000_000

    static func kill(_ paths: [(path: String, version: CgroupVersion)]) {
        for (path, version) in paths {
            thaw(path, version)
            if version == .v2, (try? Files.write("1", to: path + "/cgroup.kill")) != nil { continue }
            // The list is neither fork-proof nor atomic: the caller's loop reads it until it stays empty.
            for pid in AttemptCgroup.everyone(in: path, version: version) { Glibc.kill(pid, SIGKILL) }
        }
    }

    static func remove(_ paths: [(path: String, version: CgroupVersion)]) throws(CgroupError) {
        let start = Clock.monotonicMicroseconds
        var pause: UInt32 = 500
        var rest = paths
        while true {
            var last: CgroupError?
            rest = rest.filter { entry in
                do throws(CgroupError) {
                    try removeTree(entry.path)
                    return false
                } catch {
                    last = error
                    return true
                }
            }
            guard let last else { return }
            guard last.errno == .resourceBusy, Clock.monotonicMicroseconds - start < patienceUsec else {
                throw explain(last, rest)
            }
            kill(rest)
            usleep(pause)
            pause = min(pause * 2, 100_000)
        }
    }

    /// Removes a cgroup and those below, children first.
    private static func removeTree(_ path: String) throws(CgroupError) {
        do throws(Errno) { try Files.removeDirectory(path) } catch {
            if error == .noSuchFileOrDirectory { return }
            // The job may have taken its own permissions away; root does not care, an owner can give them back.
            chmod(path, 0o755)
            let children = CgroupDirectory.children(of: path)
            for child in children { try removeTree(path + "/" + child) }
            do throws(Errno) { try Files.removeDirectory(path) } catch {
                if error != .noSuchFileOrDirectory { throw CgroupError("remove the cgroup", path, errno: error) }
            }
        }
    }

    /// A v1 freezer holds even SIGKILL back until it is thawed; on v2 frozen tasks die, but fewer surprises are better.
    private static func thaw(_ path: String, _ version: CgroupVersion) {
        let (file, value) = version == .v1 ? ("/freezer.state", "THAWED") : ("/cgroup.freeze", "0")
        guard Files.exists(path + file) else { return }
        try? Files.write(value, to: path + file)
        for child in CgroupDirectory.children(of: path) { thaw(path + "/" + child, version) }
    }

    private static func explain(_ error: CgroupError, _ paths: [(path: String, version: CgroupVersion)]) -> CgroupError
    {
        let pids = Set(paths.flatMap { AttemptCgroup.everyone(in: $0.path, version: $0.version) }).sorted()
        guard !pids.isEmpty else { return error }
        let names = pids.prefix(5).map { ProcessStat.description(of: $0) }
        var error = error
        error.remedy =
            "it still holds \(names.joined(separator: ", ")), which SIGKILL has not ended; state D waits for a device. The next start of jobs tries again"
        return error
    }
}
