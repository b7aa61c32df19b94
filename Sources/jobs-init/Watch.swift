// SPDX-License-Identifier: Apache-2.0
import AttemptFiles
import Glibc
import Linux
import Sandbox
import SystemPackage

/// The loop of PID 1: reaps, forwards signals, keeps the deadlines, and reports the end once nobody is left.
struct Watch {
    let main: pid_t
    let killer: Killer
    let deadlines: Deadlines
    let signals: SignalQueue
    let control: Descriptor
    /// Where the output of a queued job goes; `nil` when it passes through.
    let output: Output?
    let floorRSSBytes: Int
    let tell: (Report) -> Void

    func run() -> Never {
        var mainStatus: CInt?
        var mainEnd = (monotonic: 0, realtime: 0)
        var neverExecuted = false
        var supervisor = SupervisorState.listening
        var ending = Ending(killer: killer, timer: deadlines.ending, plan: killer.plan, tell: tell)
        while true {
            // Reap first: a child may have ended before the first poll.
            reaping: while true {
                if mainStatus == nil, peekKilledChild() == main { neverExecuted = Payload.neverExecuted(main) }
                let child: ChildEvent?
                do throws(Errno) { child = try nextChild() } catch {
                    // ECHILD: everybody below us is gone. Without a PID namespace others may remain in the cgroup.
                    if let mainStatus {
                        guard killer.hasLivingMembers else {
                            // A machine that goes down ends us all at once.
                            if isAskedToEnd() { supervisor = .satisfied }
                            finish(mainStatus, mainEnd, neverExecuted, ending.rest, supervisor)
                        }
                        // Other members of the cgroup are not our children: no SIGCHLD tells that they are gone.
                        ending.mainHasEnded()
                        ending.lookAgain()
                    }
                    break reaping
                }
                guard let child else {
                    // The main process has left some behind. Mostly there are none.
                    if mainStatus != nil { ending.mainHasEnded() }
                    break reaping
                }
                guard child.pid == main else { continue }
                if child.status & 0xff == 0x7f {
                    // Whoever has a terminal wants to know. A file would grow with it.
                    if output == nil { tell(.stopped) }
                    continue
                }
                // Its own timer has ended it, while we could not look at ours.
                if neverExecuted, deadlines.isWallTimeUsedUp { tell(.limitReached(.wall)) }
                mainStatus = child.status
                mainEnd = (Clock.monotonicMicroseconds, Clock.realtimeMicroseconds)
            }
            let ready = wait(supervisorIsThere: supervisor != .gone)
            output?.pump()
            if ready[0], isAskedToEnd() {
                ending.terminate()
                // The daemon goes down as well. Whoever comes after it reads the report.
                if output != nil { supervisor = .satisfied }
            }
            if ready[1] { supervisor = handleControl(supervisor, &ending) }
            // Limits are the main process's: those that it has left behind have a time of their own.
            if ready[2] {
                deadlines.wall.acknowledge()
                if mainStatus == nil { reach(.wall, &ending) }
            }
            if ready[3] {
                deadlines.cpu.acknowledge()
                if mainStatus == nil, deadlines.isCPUTimeUsedUp() { reach(.cpu, &ending) }
            }
            if ready[4] { ending.timeIsUp() }
        }
    }

    /// Blocks until something happens; tells for each of the descriptors whether it did.
    private func wait(supervisorIsThere: Bool) -> [Bool] {
        let fds = [
            signals.descriptor.rawValue, supervisorIsThere ? control.rawValue : -1, deadlines.wall.descriptor.rawValue,
            deadlines.cpu.descriptor.rawValue, deadlines.ending.descriptor.rawValue,
        ]
        return awaitAny(of: fds + (output?.readable ?? []))
    }

    /// Takes the signals that have come: whether one of them means the end. That of a queued job is told. A job that kills
    /// its init is heard no more than by the kernel, which keeps KILL, STOP and all that is not asked for here from it.
    private func isAskedToEnd() -> Bool {
        var isEnd = false
        while let (signal, sender) = signals.next() {
            if signal != SIGCHLD, signal != SIGIO, let sender, killer.isOutside(sender) { isEnd = true }
        }
        if isEnd, output != nil { tell(.endedFromOutside) }
        return isEnd
    }

    /// What the other end of the control channel is about.
    private enum SupervisorState {
        case listening
        /// It wants to know nothing more, and did not wait for the end.
        case satisfied
        case gone
    }

    private func handleControl(_ state: SupervisorState, _ ending: inout Ending) -> SupervisorState {
        guard let bytes = try? control.read(limit: 64), !bytes.isEmpty else {
            // The payload of a foreground run does not live on unwatched.
            ending.kill()
            return .gone
        }
        var state = state
        for byte in bytes {
            switch byte {
            case Control.terminate:
                deadlines.endSuspension()
                ending.terminate()
            case Control.kill: ending.kill()
            case Control.pause: deadlines.pause()
            case Control.resume: deadlines.resume()
            case Control.leave: state = .satisfied
            case Control.signals: killer.forward(CInt(byte))
            default: break
            }
        }
        return state
    }

    private func reach(_ limit: Report.TimeLimit, _ ending: inout Ending) {
        tell(.limitReached(limit))
        ending.terminate()
    }

    /// Reports, then stays until the supervisor has read the cgroup: our exit takes the mounts and their charges away.
    private func finish(
        _ status: CInt, _ end: (monotonic: Int, realtime: Int), _ neverExecuted: Bool, _ rest: Ending.Rest,
        _ supervisor: SupervisorState
    ) -> Never {
        var usage = rusage()
        getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        var report = Report.Exit()
        report.waitStatus = Int(status)
        report.monotonicUsec = end.monotonic
        report.realtimeUsec = end.realtime
        report.maxRSSBytes = usage.ru_maxrss * 1024
        report.floorRSSBytes = floorRSSBytes
        report.cpuUsec = microseconds(usage.ru_utime) + microseconds(usage.ru_stime)
        deadlines.endSuspension()
        report.suspendedUsec = deadlines.suspendedUsec
        report.voluntarySwitches = usage.ru_nvcsw
        report.involuntarySwitches = usage.ru_nivcsw
        report.neverExecuted = neverExecuted
        report.terminated = rest.terminated
        report.killed = rest.killed
        // All of it before the end is told: whoever reads the record finds the output complete.
        output?.drain()
        tell(.exited(report))
        switch supervisor {
        case .satisfied: break
        case .listening:
            waitForLeave()
        case .gone: removeLeftovers(of: killer.plan)
        }
        exit(0)
    }

    private func microseconds(_ time: timeval) -> Int { Int(time.tv_sec) * 1_000_000 + Int(time.tv_usec) }

    private func waitForLeave() {
        // Once the FIFO has no name, no later daemon can open it to say the word.
        if let output { notifyOfRemovals(in: output.directory) }
        while control.isLinked {
            let ready = awaitAny(of: [control.rawValue, signals.descriptor.rawValue])
            if ready[0] {
                guard let bytes = try? control.read(limit: 64), !bytes.isEmpty, !bytes.contains(Control.leave) else {
                    return
                }
            }
            // SIGIO, among others: something was removed. A machine that goes down would wait for us until its patience ends.
            if ready[1], isAskedToEnd(), output != nil { return }
        }
    }
}

/// Blocks until one of the descriptors has something to read, or its end; tells for each whether it has. -1 never has.
func awaitAny(of descriptors: [CInt]) -> [Bool] {
    var polls = descriptors.map { pollfd(fd: $0, events: CShort(POLLIN), revents: 0) }
    _ = try? checked { poll(&polls, nfds_t(polls.count), -1) }
    return polls.map { $0.revents != 0 }
}
