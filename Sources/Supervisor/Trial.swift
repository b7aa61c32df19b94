// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Cgroups
import Glibc
import JobModel
import Linux
import Sandbox
import SystemPackage

/// A job with the default isolation that does nothing, to find out whether this place lets jobs have it.
///
/// It is started as every job is, by the installed jobs-init with the default plan, but outside of any cgroup of its own:
/// whether those can be made is another question.
package enum Trial {
    package enum Outcome: Hashable, Sendable {
        case untried
        /// - Parameter userNamespace: whether one had to stand in for CAP_SYS_ADMIN.
        case works(userNamespace: Bool)
        case fails(reason: String, remedy: String)
    }

    /// - Parameters:
    ///   - command: a program that ends by itself at once.
    ///   - patienceMilliseconds: how long it may take, on a machine that has other things to do.
    package static func run(
        initPath: String, command: [String], host: CgroupHost, patienceMilliseconds: CInt = 20_000
    ) -> Outcome {
        let spec = JobSpec(name: "doctor", command: .arguments(command))
        do {
            let plan = try PlanBuilder(
                spec: spec, identity: JobIdentity(id: nil, name: spec.name, attempt: 1, owner: ""), environment: [:],
                directory: "/", seccomp: SeccompFilter.compile(SeccompFilter.Rules(spec.isolation, host.mode)),
                host: host
            ).build()
            let server = ForkServer(path: initPath)
            defer { server.stop() }
            let null = try Descriptor.open("/dev/null", O_RDWR)
            var launch = try withExtendedLifetime(null) {
                try Launch(
                    plan, cgroup: nil, server: server, standardIO: [null.rawValue, null.rawValue, null.rawValue])
            }
            var process: Process?
            try launch.meet { process = $0 }
            defer { end(&launch, process, patienceMilliseconds) }
            return outcome(try launch.end(within: patienceMilliseconds), plan)
        } catch let SupervisorError.refused(reason, remedy) {
            return .fails(reason: reason, remedy: remedy)
        } catch {
            return .fails(reason: "\(error)", remedy: "install jobs anew: `make install`")
        }
    }

    private static func outcome(_ report: Report?, _ plan: Plan) -> Outcome {
        switch report {
        case .exited(let exit) where exit.waitStatus == 0:
            return .works(userNamespace: plan.namespaces.contains(.user))
        case .failed(let failure):
            return .fails(
                reason: "\(failure.step) \(failure.detail): \(Errno(rawValue: failure.errno))",
                remedy: NamespaceObstacle(failure)?.remedy(needsUserNamespace: false)
                    ?? "look for the cause in the kernel log")
        case .exited(let exit):
            return .fails(
                reason: "the trial's command ended with wait status \(exit.waitStatus)",
                remedy: "look for the cause in the kernel log")
        default:
            return .fails(reason: "jobs-init ended without a word", remedy: "look for the cause in the kernel log")
        }
    }

    /// jobs-init stays until its supervisor has nothing more to ask, which the end of the control channel says.
    private static func end(_ launch: inout Launch, _ process: Process?, _ milliseconds: CInt) {
        launch.control = nil
        guard let process else { return }
        if !process.ends(within: milliseconds) { try? process.signal(SIGKILL) }
        _ = try? process.wait()
    }
}

extension Launch {
    /// Waits for the frame that ends the report of a foreground run; `nil` if there is none in time.
    fileprivate func end(within milliseconds: CInt) throws(Errno) -> Report? {
        var reader = ReportReader("the trial's report")
        while true {
            var poll = pollfd(fd: report.rawValue, events: CShort(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, milliseconds) == 1 else { return nil }
            let bytes = try report.read()
            if bytes.isEmpty { return nil }
            reader.append(bytes)
            while let report = try? reader.next() {
                switch report {
                case .exited, .failed: return report
                default: continue
                }
            }
        }
    }
}
