// SPDX-License-Identifier: Apache-2.0
import JobModel
import JobStore
import Queue
import Testing

@Suite struct JobSubmissionTests {
    private func submission(
        user: UInt32? = nil, from requester: Requester = ada, _ change: (inout JobSpec) -> Void = { _ in }
    ) throws -> JobSubmission {
        var spec = JobSpec(name: "sim")
        spec.command = .arguments(["./sim", "--fast"])
        change(&spec)
        let context = try SubmissionContext(JSON(parsing: #"{"directory": "/home/ada"}"#))
        return try JobSubmission(spec, source: "text", context: context, user: user, from: requester)
    }

    @Test func `nobody but root chooses the user, the group, or root's settings`() throws {
        let root = Requester(uid: 0, gid: 0, name: "root")
        let jobOfRoot = Requester(uid: 0, gid: 0, name: "root", isOutsideJobs: false)
        _ = try submission(user: ada.uid) { $0.user = "ada" }
        _ = try submission(user: ada.uid, from: root) { $0.user = "ada" }
        #expect(throws: QueueError.foreignUser("root")) { try submission(user: 0) { $0.user = "root" } }
        #expect(throws: QueueError.foreignUser("nobody here")) { try submission { $0.user = "nobody here" } }
        #expect(throws: QueueError.foreignUser("ada")) { try submission(user: 1, from: jobOfRoot) { $0.user = "ada" } }
        #expect(throws: QueueError.foreignGroup) { try submission { $0.group = "wheel" } }
    }

    @Test func `a job has a name and a command`() {
        #expect(throws: QueueError.noCommand(job: "sim")) { try submission { $0.command = nil } }
        #expect(throws: QueueError.self) { try submission { $0.name = "" } }
    }

    @Test func `its row has what was asked for`() throws {
        let submission = try submission {
            $0.limits.memory = ByteCount(4096)
            $0.limits.wallTime = .seconds(10)
            $0.limits.grace = .seconds(2)
            $0.scheduling.held = true
            $0.scheduling.retry.retries = 3
        }
        let job = submission.job(7, at: noon)
        #expect(job.id == 7 && job.state == .held && job.command == "./sim --fast" && job.owner.name == "ada")
        #expect(job.memoryRequestBytes == 4096 && job.memoryLimitBytes == 4096 && job.attemptsMax == 4)
        #expect(job.wallTimeLimitUsec == 12_000_000 && job.submittedAt == noon)
        #expect(job.textBytes == submission.document.bytes)
        #expect(submission.places(from: 7) == [nil])
    }

    @Test func `the jobs of an array share their texts`() throws {
        let indices = try IDSet(parsing: "0-2,9")
        let submission = try submission { $0.scheduling.array = ArrayRange(indices: indices, parallel: 2) }
        let places = submission.places(from: 7)
        #expect(places.map { $0?.index } == [0, 1, 2, 9])
        #expect(places.allSatisfy { $0?.id == 7 && $0?.parallel == 2 })
        let share = submission.job(7, at: noon).textBytes
        #expect(share * 4 >= submission.document.bytes && share < submission.document.bytes)
    }

    @Test func `a key is its owner's, and tells another body apart`() throws {
        let body = try JSON(parsing: #"{"a": 1}"#)
        let key = SubmissionKey("k", of: 1, body: body)
        #expect(key == SubmissionKey("k", of: 1, body: body))
        #expect(key.id != SubmissionKey("k", of: 2, body: body).id)
        #expect(try key.fingerprint != SubmissionKey("k", of: 1, body: JSON(parsing: #"{"a": 2}"#)).fingerprint)
    }
}

@Suite struct SubmissionContextTests {
    private func context(_ text: String) throws -> SubmissionContext { try SubmissionContext(parsing: text) }

    @Test func `what is kept is what was sent`() throws {
        let sent = try context(
            #"{"directory": "/tmp", "environment": {"A": "1"}, "umask": 18, "rlimits": {"nofile": 64, "luck": 1}}"#)
        #expect(sent.exported == ["A": "1"] && sent.umask == 18 && sent.rlimits == ["nofile": 64])
        let kept = try context(sent.text)
        #expect(kept.directory == "/tmp" && kept.exported == sent.exported && kept.rlimits == sent.rlimits)
    }

    @Test(arguments: [
        "{}", #"{"directory": "tmp"}"#, #"{"directory": "/", "environment": {"A=B": "1"}}"#,
        #"{"directory": "/", "environment": {"": "1"}}"#, #"{"directory": "/", "environment": {"A": 1}}"#,
        #"{"directory": "/", "environment": {"A": "\u0000"}}"#,
    ])
    func `a directory that is none, or an environment that no process could have, is refused`(_ text: String) {
        #expect(throws: QueueError.self) { try context(text) }
    }

    @Test func `a umask out of range is none`() throws {
        #expect(try context(#"{"directory": "/", "umask": 512}"#).umask == nil)
        #expect(try context(#"{"directory": "/", "umask": -1}"#).umask == nil)
    }
}
