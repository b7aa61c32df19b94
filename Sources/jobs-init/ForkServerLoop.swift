// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// jobs-init before it is anybody's: it waits to be copied, so that the start of a program is paid for once and not by
/// every attempt.
///
/// On a virtual machine that start alone takes a millisecond: glibc asks the processor for its caches by some 70 CPUID
/// instructions, and each of them leaves the machine.
enum ForkServer {
    /// Never closed by its deinitialiser, which in a copy would close what has taken its place.
    private static let socket = Descriptor(Plan.Descriptors.plan)

    /// Serves until the supervisor is gone. Returns in each copy, which finds its own descriptors in their places.
    ///
    /// - Returns: `false` if there is nobody to serve.
    static func serve() -> Bool {
        Process.setName("jobs-init")
        // What a parent ignored the commands would ignore as well.
        resetSignalDispositions()
        rehearse()
        while let message = try? socket.receive(), let request = ForkRequest(decoding: message.bytes) {
            guard let descriptors = message.descriptors else {
                answer(ForkAnswer(-Int(EMFILE)))
                continue
            }
            do throws(Errno) {
                guard let copy = try Process.forkSibling(request.namespaces) else {
                    become(request, descriptors)
                    return true
                }
                answer(ForkAnswer(Int(copy.pid)), [copy.pidfd.rawValue])
            } catch {
                answer(ForkAnswer(-Int(error.rawValue)))
            }
            for descriptor in descriptors { close(descriptor) }
        }
        if isSocket { exit(0) }
        return false
    }

    /// They are told apart by their order alone: without one, all that follow would be taken for somebody else's.
    private static func answer(_ answer: ForkAnswer, _ descriptors: [CInt] = []) {
        if (try? socket.send(answer.encoded(), descriptors: descriptors)) == nil { exit(1) }
    }

    /// Walks through what every copy does and what leaves no trace. Swift makes types, and the ways in which they conform
    /// to protocols, on first use: a tenth of what a copy would do.
    private static func rehearse() {
        var plan = Plan()
        plan.arguments = ["true"]
        plan.environment = ["PATH=/bin"]
        plan.seccomp = [0]
        plan.commandSeccomp = [0]
        plan.v1Descriptors = [0]
        plan.resourceLimits = [Plan.ResourceLimitValue(resource: 0, soft: 0, hard: 0)]
        plan.identity = Plan.Identity(uid: 0, gid: 0, groups: [0])
        plan.queued = Plan.Queued()
        _ = Plan(decoding: plan.encoded())
        var writer = ReportWriter()
        _ = writer.bytes(of: .born(Report.Birth()))
        _ = Clock.bootTicks
        // Fails.
        _ = try? Files.readLink("/")
        _ = try? Files.readLink("/proc/self")
        _ = withCStrings(plan.arguments) { $0.pointee == nil }
        _ = awaitAny(of: [0])
        _ = try? Output(Plan.Queued())
        // Which has put pipes there.
        for fd: CInt in 1...2 { dup2(0, fd) }
    }

    private static var isSocket: Bool {
        var status = stat()
        return fstat(socket.rawValue, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    private static func become(_ request: ForkRequest, _ descriptors: [CInt]) {
        var descriptors = descriptors
        if request.waits, let gate = descriptors.popLast() {
            // Not through a Descriptor, for the reason above. Without maps we would be nobody.
            var byte: UInt8 = 0
            if read(gate, &byte, 1) != 1 { exit(125) }
        }
        guard (try? Descriptor.arrange(descriptors)) != nil else { exit(125) }
    }
}
