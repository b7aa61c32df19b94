// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// A jobs-init that waits to be copied; the copies are our children.
///
/// It has started once, so that no attempt has to; see decision 008. It ends when we close our end of the socket, or die.
package final class ForkServer {
    private let path: String
    /// The file at ``path`` as it was at our start. Plans are of one build alone: what an upgrade puts there meanwhile would
    /// misunderstand ours.
    private var program: Descriptor?
    private let cgroup: Descriptor?
    private var process: Process?
    private var socket: Descriptor?
    /// Whose answers are to come, in that order.
    private var asked: [Copy] = []

    /// A copy that was asked for.
    final class Copy {
        // Who goes answers all before.
        private unowned let server: ForkServer
        fileprivate var outcome: Result<Process, Errno>?

        fileprivate init(of server: ForkServer) { self.server = server }

        /// Waits for the answer, if it is not there yet.
        ///
        /// - Throws: `ECONNRESET` if the fork server died over this. There may be a copy then that nobody knows, which ends
        ///   when the descriptors that it got are closed here; so the caller begins anew, with others.
        func process() throws(Errno) -> Process {
            while true {
                if let outcome { return try outcome.get() }
                server.takeAnswer()
            }
        }
    }

    /// - Parameters:
    ///   - path: the jobs-init executable.
    ///   - cgroup: the v2 directory that it and all its copies begin in; ours if there is none.
    package init(path: String, cgroup: Descriptor? = nil) {
        self.path = path
        self.cgroup = cgroup
    }

    deinit { stop() }

    /// Starts it, if it does not run, without waiting for it to be ready.
    package func start() throws(Errno) {
        guard socket == nil else { return }
        let (ours, theirs) = try Descriptor.messageSocket()
        // Long enough for the busiest machine; the queue must not wait for ever.
        try ours.setTimeout(seconds: 10)
        let null = try Descriptor.open("/dev/null", O_RDWR)
        if program == nil { program = try Descriptor.open(path, Descriptor.pathOnly) }
        var request = Process.Request(
            path: path, arguments: ["jobs-init"],
            descriptors: [null.rawValue, null.rawValue, null.rawValue, theirs.rawValue])
        request.program = program
        request.cgroup = cgroup
        // The Swift runtime would look for its backtracer at its start; jobs-init reports what fails.
        request.environment = ["SWIFT_BACKTRACE=enable=no,swift-backtrace=/none"]
        #if DEBUG
        if FileFormat.testVersion > 0 {
            request.environment.append("\(FileFormat.testVariable)=\(FileFormat.testVersion)")
        }
        #endif
        do throws(Process.SpawnError) { process = try Process.spawn(request) } catch { throw error.errno }
        socket = ours
    }

    /// Asks for a copy with these descriptors as its 0, 1, 2, …, which takes the fork server up to a millisecond.
    ///
    /// - Parameter gate: a byte through it lets the copy begin, for which it waits.
    func fork(
        _ namespaces: Namespaces, descriptors: [CInt], waitingFor gate: Descriptor? = nil
    ) throws(Errno) -> Copy {
        let request = ForkRequest(namespaces: namespaces, waits: gate != nil)
        let all = descriptors + (gate.map { [$0.rawValue] } ?? [])
        try start()
        do throws(Errno) { try socket?.send(request.encoded(), descriptors: all) } catch {
            // It may have been stopped, with its socket full.
            if error == .wouldBlock { try? process?.signal(SIGKILL) }
            guard [.wouldBlock, .brokenPipe, .connectionReset].contains(error) else { throw error }
            // Somebody has killed it since; of this it has heard nothing. What it has answered counts.
            while !asked.isEmpty { takeAnswer() }
            stop()
            try start()
            try socket?.send(request.encoded(), descriptors: all)
        }
        let copy = Copy(of: self)
        asked.append(copy)
        return copy
    }

    /// Lets it go, to be waited for by ``stop()``. Copies go on.
    ///
    /// - Returns: what is to be waited for; `nil` if it does not run.
    func dismiss() -> Process? {
        socket = nil
        for copy in asked { copy.outcome = .failure(.connectionReset) }
        asked = []
        return process
    }

    /// Lets it go and waits for its end, which is at hand; not for ever, if somebody has stopped it.
    func stop() {
        guard let process = dismiss() else { return }
        if !process.ends(within: 1000) { try? process.signal(SIGKILL) }
        if process.ends(within: 1000) { _ = try? process.wait() }
        self.process = nil
    }

    /// The next answer is that of the copy which waits for the longest time.
    private func takeAnswer() {
        do throws(Errno) {
            let process = try answer()
            asked.removeFirst().outcome = .success(process)
        } catch {
            // What it has asked for before it died, nobody will answer any more.
            if !asked.isEmpty { asked.removeFirst().outcome = .failure(error) }
        }
    }

    private func answer() throws(Errno) -> Process {
        guard let reply = try? receive(), let answer = ForkAnswer(decoding: reply.bytes) else {
            // Somebody has killed it, or stopped it.
            try? process?.signal(SIGKILL)
            stop()
            throw .connectionReset
        }
        guard answer.result > 0 else { throw Errno(rawValue: CInt(truncatingIfNeeded: -answer.result)) }
        guard let pidfd = reply.descriptors?.first else {
            // There is a copy, a child of ours and so not recycled, and no room for what holds it.
            kill(pid_t(answer.result), SIGKILL)
            waitpid(pid_t(answer.result), nil, 0)
            throw .tooManyOpenFiles
        }
        return Process(pid: pid_t(answer.result), pidfd: Descriptor(pidfd))
    }

    private func receive() throws(Errno) -> (bytes: [UInt8], descriptors: [CInt]?)? {
        do throws(Errno) { return try socket?.receive() } catch {
            guard error == .connectionReset else { throw error }
            // The reset comes first, and behind it what was answered before (unix_release_sock, sk_err).
            return try socket?.receive()
        }
    }
}
