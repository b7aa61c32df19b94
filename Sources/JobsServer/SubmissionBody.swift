// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobStore
import JobsAPI
import Linux
import Queue
import Supervisor

extension JobSubmission {
    /// Reads and checks the body of a submission; on the thread of ``Intake``.
    init(_ json: JSON, key: String? = nil, from peer: Peer) throws {
        try Self.refuseUnknownKeys(json)
        guard let source = json["job"].flatMap({ JobSource($0) }) else {
            throw APIFailure(
                400, "\"job\" must be an object with \"text\" (a job file) and \"path\"; see /v1/openapi.json")
        }
        let spec: JobSpec
        do { spec = try source.spec() } catch { throw APIFailure(400, "\(error)") }
        try self.init(
            spec, source: source.json.text(), context: SubmissionContext(json),
            user: spec.user.flatMap { Account.find($0)?.uid }, from: peer.requester)
        self.key = key.map { SubmissionKey($0, of: peer.uid, body: json) }
    }

    /// A limit under a key that nobody reads would be none.
    private static func refuseUnknownKeys(_ json: JSON) throws(APIFailure) {
        try refuse(keysOf: json, besides: Submission.keys, in: "a submission")
        try refuse(keysOf: json["job"], besides: JobSource.keys, in: "\"job\"")
        for key in ["rlimits", "hard_rlimits"] {
            try refuse(keysOf: json[key], besides: resourceLimitNumbers.keys.sorted(), in: "\"\(key)\"")
        }
        if let mask = json["umask"], mask != .null, mask.intValue.map({ (0...0o777).contains($0) }) != true {
            throw APIFailure(400, "\"umask\" must be a whole number from 0 to 511, which is octal 777")
        }
    }

    private static func refuse(keysOf json: JSON?, besides known: [String], in place: String) throws(APIFailure) {
        guard let member = json?.objectValue?.first(where: { !known.contains($0.key) }) else { return }
        let isSetting = Settings.setting(flag: member.key) != nil || Settings.all.contains { $0.section == member.key }
        let remedy =
            isSetting
            ? "settings of the job stand in \"job\", in its \"text\" or as \"flags\""
            : nearest(member.key, among: known).map { "did you mean '\($0)'?" }
                ?? "there are \(known.joined(separator: ", "))"
        throw APIFailure(400, "unknown key '\(member.key.prefix(64))' in \(place); \(remedy)")
    }
}
