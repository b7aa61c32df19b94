// SPDX-License-Identifier: Apache-2.0
import JobFile
import JobModel
import JobStore
import Queue

/// Reads the texts of jobs, and keeps the last ones: the jobs of an array share theirs, and to read them is a tenth of a
/// job's cost.
struct JobTexts {
    private struct Content {
        var document: JobDocument
        var spec: JobSpec
        var context: SubmissionContext
        var script: KeptScript?
    }

    private var last: Content?

    /// The job file, with the limits that retries have changed since, and where the job was submitted.
    mutating func read(_ document: JobDocument, of job: StoredJob) throws -> (JobSpec, SubmissionContext) {
        let content: Content
        if let last, last.document == document {
            content = last
        } else {
            content = try Self.content(of: document, job.id)
            last = content
        }
        var spec = content.spec
        if let memory = job.memoryLimitBytes { spec.limits.memory = ByteCount(memory) }
        return (spec, content.context)
    }

    private static func content(of document: JobDocument, _ job: Int) throws -> Content {
        guard let source = JobSource(try JSON(parsing: document.spec)) else {
            throw QueueError.unreadableJobFile(job: job)
        }
        return Content(
            document: document, spec: try source.spec(), context: try SubmissionContext(parsing: document.context),
            script: source.script)
    }

    /// The script that was kept with a job; `nil` if there is none.
    func script(in document: JobDocument) -> KeptScript? {
        if let last, last.document == document { return last.script }
        return (try? JSON(parsing: document.spec)).flatMap { JobSource($0) }?.script
    }
}
