// SPDX-License-Identifier: Apache-2.0
import JobModel
import Logging
import Systemd

/// The daemon's log: entries of the journal with a field for each figure where systemd runs it, else a line an event on
/// standard error.
enum LogOutput {
    static func logger(label: String) -> Logger {
        let hasJournal = Journal.isStandardError
        LoggingSystem.bootstrap { label in
            guard hasJournal else { return PrintableLog(StreamLogHandler.standardError(label: label)) }
            return PrintableLog(JournalLog(label: label))
        }
        var logger = Logger(label: label)
        logger.logLevel = .info
        return logger
    }
}

/// Escapes what a terminal would obey, and what would begin a new line: names, commands and errors may come from users.
struct PrintableLog: LogHandler {
    private var next: any LogHandler

    init(_ next: any LogHandler) { self.next = next }

    var metadata: Logger.Metadata {
        get { next.metadata }
        set { next.metadata = newValue }
    }
    var logLevel: Logger.Level {
        get { next.logLevel }
        set { next.logLevel = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { next[metadataKey: key] }
        set { next[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(event.message.description.printable)"
        event.metadata = event.metadata?.mapValues { "\($0.description.printable)" }
        next.log(event: event)
    }
}

/// Sends entries to the journal; `journalctl JOB_ID=42` then finds what concerns job 42.
struct JournalLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    private let fallback: StreamLogHandler

    init(label: String) { fallback = StreamLogHandler.standardError(label: label) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        // The message says it all by itself, because `journalctl` shows nothing else.
        let words = all.map { "\($0.key)=\($0.value)" } + ["\(event.message)"]
        var fields = [
            ("MESSAGE", words.joined(separator: " ")), ("PRIORITY", "\(event.level.priority)"),
            ("SYSLOG_IDENTIFIER", "jobsd"),
        ]
        fields += all.map { (Journal.fieldName(of: $0.key), "\($0.value)") }
        if !Journal.send(fields) { fallback.log(event: event) }
    }
}

extension Logger.Level {
    /// Of `syslog(3)`.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
