// SPDX-License-Identifier: Apache-2.0
import Glibc
import JobsAPI
import Linux
import SystemPackage

/// Starts the daemon when a submission finds none.
package struct DaemonStarter {
    /// What was started.
    package enum Started: Hashable, Sendable {
        /// With what it had to tell, a line each.
        case process(pid_t, notices: [String])
        /// A unit of systemd, the user's own or the machine's.
        case unit(user: Bool)
        /// Somebody else was faster.
        case already
    }

    /// Why nothing was started; one sentence with the remedy.
    package struct Failure: Error, CustomStringConvertible, Hashable {
        package var description: String
    }

    let locations: Locations
    /// Where `jobsd` may be installed, best first.
    let candidates: [String]
    let environment: [String: String]
    /// What we start ourselves then ends with the job, and its queue with it.
    let isInsideJob: Bool

    /// - Parameter executable: the program that asks; `jobsd` is looked for beside it.
    package init(
        _ locations: Locations, executable: String, environment: [String: String], isInsideJob: Bool = false
    ) {
        self.isInsideJob = isInsideJob
        self.locations = locations
        let directory = executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
        candidates = [
            directory + "/jobsd", directory + "/../sbin/jobsd", directory + "/../libexec/jobs/jobsd",
        ]
        self.environment = environment
    }

    /// Returns when the daemon answers: the one that is started here, or another that was starting by itself.
    package func start() throws(Failure) -> Started {
        let unit = SystemdUnit.find(locations, environment: environment)
        // Before anything is made: a job sees the directories of no queue, and may only start what lives outside of it.
        guard unit != nil || !isInsideJob else {
            throw Failure(
                description: """
                    no jobsd runs at \(locations.socket), and one that is started here would end with the job that this is; \
                    start `jobsd` outside of it, and the job with --submit, without which it sees no queue
                    """)
        }
        let program = candidates.first { access($0, X_OK) == 0 }
        guard unit != nil || program != nil else {
            throw Failure(
                description: """
                    no jobsd runs, and there is none to start at \(candidates[0]); install jobs with `make install`, \
                    or use `jobs run`, which needs none
                    """)
        }
        let made: [String]
        do throws(OwnDirectory.Objection) {
            made = try OwnDirectory.make([locations.state, locations.runtime])
        } catch { throw Failure(description: error.description) }
        // Two submissions at once: the second waits here, and then finds what the first has started.
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let reappearance = Reappearance(socket: locations.socket)
        var failure = Failure(
            description: """
                another jobsd has \(locations.state) and does not answer at \(locations.socket); its log may say why \
                (\(locations.log)), or it was started with another JOBS_RUNTIME_DIR
                """)
        // A try more for each time that another daemon was faster and has ended since, or that ours was killed.
        starting: for _ in 0..<5 {
            switch reappearance.wait(whileAlive: true) {
            case .answers: return .already
            case .late: break starting
            case .dead: break
            }
            if let unit {
                try unit.start()
                return .unit(user: unit.isUsers)
            }
            guard let program else { break }
            switch try launch(program, made) {
            case .started(let started): return started
            case .killed: failure = endedEarly
            // The other daemon has the lock, and shows the next moment that it lives.
            case .taken: _ = reappearance.waitForLife()
            }
        }
        throw failure
    }

    private var endedEarly: Failure {
        Failure(description: "jobsd ended before it was ready; its last words are in \(locations.log)")
    }

    /// After a refusal nothing is left of a place that there was not before, unless a daemon has begun to use it.
    private func takeBack(_ made: [String]) {
        guard made.contains(locations.runtime) else { return }
        unlink(lockPath)
        rmdir(locations.runtime)
        guard made.contains(locations.state), (try? Files.list(locations.state))?.count == 1 else { return }
        unlink(locations.log)
        rmdir(locations.state)
    }

    private var lockPath: String { locations.runtime + "/start.lock" }

    private func lock() throws(Failure) -> Descriptor {
        let path = lockPath
        do throws(Errno) {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
            try checked { flock(file.rawValue, LOCK_EX) }
            return file
        } catch { throw Failure(description: "cannot lock \(path): \(error)") }
    }

    private enum Launched {
        case started(Started)
        /// Another daemon has the place.
        case taken
        /// A SIGKILL from outside, which is no fault of the daemon's: it is worth another try.
        case killed
    }

    private func launch(_ program: String, _ made: [String]) throws(Failure) -> Launched {
        do throws(Errno) { _ = try Descriptor.open(locations.log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600) } catch {
            throw Failure(
                description: "cannot write \(locations.log): \(error); JOBS_STATE_DIR names another place for the queue"
            )
        }
        var launch = BackgroundLaunch(
            program: program, arguments: ["--log", locations.log, "--ready-fd", "3"], log: locations.log)
        launch.environment = environment.filter { Self.passesOn($0.key) }.map { "\($0.key)=\($0.value)" }.sorted()
        let pid: pid_t
        let word: String
        do throws(Errno) { (pid, word) = try launch.run() } catch {
            throw Failure(description: "cannot start \(program): \(error)")
        }
        let lines = word.split(separator: "\n").map(String.init)
        if lines.last == "ready" { return .started(.process(pid, notices: lines.dropLast())) }
        // Without that word it ends, and its parent is the one to take note of it.
        var status: CInt = 0
        waitpid(pid, &status, 0)
        if lines.last == "taken" { return .taken }
        // A crash leaves no word, and nothing but its log to tell of it.
        guard !word.isEmpty else {
            if status & 0x7f == SIGKILL { return .killed }
            throw endedEarly
        }
        takeBack(made)
        throw Failure(description: "jobsd did not start: \(lines.joined(separator: "; "))")
    }

    /// What of the submitter's environment the daemon lives with: a job gets its own from its submission.
    static func passesOn(_ name: String) -> Bool {
        ["PATH", "HOME", "USER", "LANG", "JOBS_STATE_DIR", "JOBS_RUNTIME_DIR"].contains(name) || name.hasPrefix("XDG_")
    }
}
