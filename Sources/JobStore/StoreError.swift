// SPDX-License-Identifier: Apache-2.0
import GRDB

/// What the store could not do, with which file, why, and what helps.
package struct StoreError: Error, Hashable, Sendable {
    package enum Problem: Hashable, Sendable {
        /// The file or its directory cannot be opened or created.
        case cannotOpen
        /// The file is no SQLite database, or a damaged one.
        case corrupt
        /// It is the database of another program.
        case foreign
        /// The file was moved, removed or replaced while it was open.
        case replaced
        case readOnly
        case diskFull
        /// The disk or its driver reported an error.
        case inputOutput
        /// Another process holds it.
        case inUse
        /// A later version of jobs has written it.
        case newerSchema([String])
        /// A cell holds what no version writes; the other rows are as good as before.
        case damagedRow
        /// The change contradicts what the store holds.
        case refused(Violation)
        /// The store was closed before.
        case closed
        case other
    }

    /// SQLite's own verdict.
    package struct SQLiteResult: Hashable, Sendable {
        /// The extended result code, such as 11 or 778.
        package var code: Int
        package var words: String
    }

    package var problem: Problem
    /// What was being done, such as "open the queue".
    package var operation: String
    package var path: String
    package var sqlite: SQLiteResult?
    /// What exactly, where the problem does not say it.
    package var detail: String?

    package init(_ problem: Problem, _ operation: String, path: String, sqlite: SQLiteResult? = nil) {
        self.problem = problem
        self.operation = operation
        self.path = path
        self.sqlite = sqlite
    }

    /// What an error of a database access means. Neither SQL nor its arguments get in: they may be secret.
    init(_ error: any Error, _ operation: String, path: String) {
        switch error {
        case let error as StoreError: self = error
        case let violation as Violation: self.init(.refused(violation), operation, path: path)
        case let cell as UnreadableCell:
            self.init(.damagedRow, operation, path: path, sqlite: nil)
            detail = cell.description
        case let error as DatabaseError:
            let code = error.extendedResultCode
            self.init(
                Problem(error.resultCode), operation, path: path,
                sqlite: SQLiteResult(code: Int(code.rawValue), words: error.message ?? "\(code)"))
        default: self.init(.other, operation, path: path)
        }
    }

    /// What helps, as an instruction to whoever runs the daemon.
    package var remedy: String {
        switch problem {
        case .cannotOpen: "check that \(directory) is a directory and that the daemon's user may write there"
        case .corrupt:
            "stop jobsd, keep a copy of \(path) and \(path)-wal, and restore a backup or move both away for an empty queue"
        case .foreign: "move \(path) away, or set JOBS_STATE_DIR to a directory of jobs' own"
        case .replaced: "move the file back, or restart jobsd to go on with what lies there now"
        case .damagedRow: "cancel the job; or stop jobsd, keep a copy of \(path), and restore a backup"
        case .readOnly: "make \(path) and \(directory) writable for the daemon's user, or remount the file system"
        case .diskFull: "free space on the file system of \(directory), or raise its quota"
        case .inputOutput: "look into dmesg for errors of the disk under \(directory), and at its quota"
        case .inUse: "end the other process; `fuser \(path)` names it"
        case .newerSchema(let names):
            "install the newer jobs again, or restore a backup from before the upgrade (unknown: \(names.joined(separator: ", ")))"
        case .refused: "nothing was written; this is a mistake of the caller"
        case .closed: "the daemon is going down; try again once it runs"
        case .other: "report this as a bug of jobs, with this message"
        }
    }

    private var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        var text = "cannot \(operation) in \(path): \(problem.words)"
        if let detail { text += " (\(detail))" }
        if let sqlite { text += " (SQLite \(sqlite.code): \(sqlite.words))" }
        return text + "; " + remedy
    }
}

extension StoreError.Problem {
    fileprivate init(_ code: ResultCode) {
        self =
            switch code {
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .cannotOpen
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
            case .SQLITE_READONLY: .readOnly
            case .SQLITE_FULL: .diskFull
            case .SQLITE_IOERR: .inputOutput
            case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse
            // GRDB says so after `close`.
            case .SQLITE_MISUSE: .closed
            default: .other
            }
    }

    fileprivate var words: String {
        switch self {
        case .cannotOpen: "it cannot be opened or created"
        case .corrupt: "it is not a database, or a damaged one"
        case .foreign: "it is the database of another program"
        case .replaced: "the file was moved, removed or replaced while jobsd had it open"
        case .damagedRow: "a row is damaged"
        case .readOnly: "it cannot be written"
        case .diskFull: "the disk is full"
        case .inputOutput: "reading or writing the disk failed"
        case .inUse: "another process has it open"
        case .newerSchema: "a newer version of jobs has written it"
        case .refused(let violation): violation.description
        case .closed: "it is closed"
        case .other: "SQLite failed"
        }
    }
}
