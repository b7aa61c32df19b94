// SPDX-License-Identifier: Apache-2.0
import Logging

/// The daemon's log, a line an event, on standard error.
enum LogOutput {
    static func logger(label: String) -> Logger {
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: label)
        logger.logLevel = .info
        return logger
    }
}
