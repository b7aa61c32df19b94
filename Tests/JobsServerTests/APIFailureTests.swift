// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import SystemPackage
import Testing

@testable import JobsServer

@Suite struct APIFailureTests {
    @Test(arguments: [
        (QueueError.malformed(key: "directory", expected: "be an absolute path"), 400),
        (.noSuchGroup("gpus", remedy: "make it"), 400), (.settingOfRoot("devices"), 403),
        (.notYours(job: 1, owner: "ada"), 403), (.noSuchJob(.name("night")), 404),
        (.noSuchAttempt(job: 1, newest: 0), 404), (.wrongState(job: 1, .failed, .hold), 409),
        (.changing(job: 1), 409), (.keyOfAnother, 422), (.quotaExceeded(.jobs(has: 4, most: 4, more: 1)), 429),
        (.unreadableJobFile(job: 1), 500), (.store(StoreError(.diskFull, "write changes", path: "/q")), 503),
        (.settingsNotWritten(directory: "/q", .readOnlyFileSystem), 503),
    ])
    func `an error of the queue has the status and the sentence that clients know`(_ error: QueueError, _ status: Int) {
        let failure = APIFailure(error)
        #expect(failure.status == status)
        #expect(failure.message == error.description)
    }

    @Test func `an excess says what there is, what is the most, and what helps`() {
        let jobs = QuotaExcess.jobs(has: 4, most: 5, more: 3)
        #expect(
            jobs.description
                == "you have 4 of at most 5 jobs in the queue; wait until some have ended, or cancel some (this would be 3 more)"
        )
        #expect(QuotaExcess.texts(has: 1024, most: 2048).description.contains("1K of at most 2K of job files"))
        #expect(QuotaExcess.terms(has: 1, most: 2).description.hasSuffix("or a job that waits for the others"))
    }

    @Test func `a job of root's is no administrator`() {
        #expect(Requester(uid: 0, gid: 0, name: "root").isRoot)
        #expect(!Requester(uid: 0, gid: 0, name: "root", isOutsideJobs: false).isRoot)
        #expect(!Requester(uid: 1000, gid: 0, name: "ada").isRoot)
    }

    @Test func `an order's body has the verb's own keys and no others`() throws {
        #expect(try Order(.cancel, [.init(key: "now", value: .bool(true))]).immediately)
        #expect(throws: APIFailure.self) { try Order(.hold, [.init(key: "now", value: .bool(true))]) }
        #expect(throws: APIFailure.self) { try Order(.release, [.init(key: "memory_bytes", value: .int(1))]) }
        #expect(throws: APIFailure.self) { try Order(.release, [.init(key: "memory_bytes", value: .int(.max))]) }
    }
}
