// SPDX-License-Identifier: Apache-2.0
import JobModel
import Queue

/// Why a request is refused: a status of HTTP and a sentence with the remedy.
struct APIFailure: Error, CustomStringConvertible {
    var status: Int
    var message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    var description: String { message }
}

extension APIFailure {
    init(_ error: QueueError) { self.init(Self.status(of: error), error.description) }

    private static func status(of error: QueueError) -> Int {
        switch error {
        case .malformed, .unusableName, .noCommand, .outputLimitTooLarge, .noSuchGroup, .tooManyTerms,
            .dependencyRangeTooLarge, .dependencyUnknown, .tooManyWords, .tooManyJobs:
            400
        case .foreignUser, .foreignGroup, .settingOfRoot, .notYours, .moreRights: 403
        case .noSuchJob, .noSuchAttempt: 404
        case .damaged, .wrongState, .noneApplies, .changing, .startingOrEnding, .hasEnded: 409
        case .keyOfAnother: 422
        case .arrayTooLarge, .quotaExceeded: 429
        case .unreadableJobFile: 500
        case .backend, .settingsNotWritten, .store: 503
        }
    }
}
