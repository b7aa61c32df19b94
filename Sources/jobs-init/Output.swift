// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// The output of a queued job: two pipes whose other ends are the command's, read into bounded logs.
///
/// It is read here and not in the daemon, so that a restart of the daemon leaves no gap and blocks nobody.
final class Output {
    /// The attempt's, where the logs are.
    let directory: CInt
    private var streams: [(pipe: Descriptor?, log: OutputLog)] = []
    private var throttle: Throttle

    init(_ queued: Plan.Queued) throws(SetupFailure) {
        directory = queued.directoryDescriptor
        do throws(Errno) {
            throttle = try Throttle(queued)
            for (fd, name) in [(CInt(1), "stdout"), (2, "stderr")] {
                let pipe = try Descriptor.pipe()
                try pipe.read.setNonBlocking()
                // Ours become the command's; we close them once it has started.
                let write = pipe.write.rawValue
                try checked { dup2(write, fd) }
                let log = OutputLog(directory: queued.directoryDescriptor, name: name, limit: queued.outputLimit)
                streams.append((pipe.read, log))
            }
        } catch { throw SetupFailure(step: "make a pipe for", detail: "the output", errno: error.rawValue) }
    }

    /// What to wait for; -1 for a stream that has ended, or has to wait, and for a timer that is not needed.
    var readable: [CInt] {
        let isOpen = throttle.isOpen()
        return streams.map { isOpen ? $0.pipe?.rawValue ?? -1 : -1 } + [throttle.timer?.descriptor.rawValue ?? -1]
    }

    /// Takes what is there, a few pipes full at most: a job that floods must not keep us from its time limits.
    func pump() {
        guard throttle.isOpen() else { return }
        throttle.charge { streams.indices.reduce(0) { $0 + read($1, rounds: 4) } }
    }

    /// Takes what is left in the pipes. Somebody outside the job may still hold an end, so this does not wait for the end.
    func drain() { for index in streams.indices { _ = read(index, rounds: 64) } }

    /// - Returns: how many bytes.
    private func read(_ index: Int, rounds: Int) -> Int {
        guard let pipe = streams[index].pipe else { return 0 }
        var count = 0
        for _ in 0..<rounds {
            do throws(Errno) {
                let bytes = try pipe.read(limit: 65536)
                guard !bytes.isEmpty else {
                    streams[index].pipe = nil
                    return count
                }
                streams[index].log.append(bytes[...])
                count += bytes.count
            } catch { return count }
        }
        return count
    }
}
