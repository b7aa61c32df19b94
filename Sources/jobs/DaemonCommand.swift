// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Dispatch
import Glibc
import JobsAPI
import JobsClient
import Linux
import Supervisor
import Synchronization

/// A verb that talks to the daemon; it may wait for answers, and so is asynchronous.
protocol DaemonCommand: ParsableCommand, Sendable {
    /// - Returns: the exit code.
    func perform(_ client: JobsClient) async throws -> Int32
}

extension DaemonCommand {
    func run() throws {
        let code = DaemonCall.wait { () async -> Int32 in
            do { return try await perform(DaemonCall.client(of: try Locations.current())) } catch {
                return DaemonCall.complainAbout(error)
            }
        }
        throw ExitCode(code)
    }
}

enum DaemonCall {
    /// Waits on the main thread for asynchronous work: the program itself stays synchronous for the verbs that are quick.
    static func wait(_ body: @escaping @Sendable () async -> Int32) -> Int32 {
        let result = Result()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            let code = await body()
            result.code.withLock { $0 = code }
            done.signal()
        }
        done.wait()
        return result.code.withLock { $0 }
    }

    private final class Result: Sendable {
        let code = Mutex<Int32>(0)
    }

    /// The client of the daemon to talk to, which says when it has to wait for it.
    static func client(of locations: Locations) -> JobsClient { telling(JobsClient.find(locations)) }

    static func telling(_ client: JobsClient) -> JobsClient {
        client.hearing { tell($0) }
    }

    static func tell(_ absence: JobsClient.Absence) {
        switch absence {
        // Most often for milliseconds: a script need not know.
        case .unready: if Terminal.isTerminal(2) { complain("jobsd is starting or ending; waiting for it") }
        case .lost: complain("jobsd went away; waiting for its return")
        case .over: complain("jobsd is back")
        }
    }

    /// Tells people what went wrong, and scripts by the exit code.
    static func complainAbout(_ error: any Error) -> Int32 {
        if let error = error as? ClientError {
            complain(error.description)
            return error.exitCode
        }
        complain("\(error)")
        switch error {
        case is SubmitCommand.CannotStart: return 69
        case is LocationsError, is OwnDirectory.Objection: return 78
        default: return 1
        }
    }

    /// Whose jobs are one's own.
    static var user: String { Account.current.name }
}
