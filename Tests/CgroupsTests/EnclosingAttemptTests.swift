// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct EnclosingAttemptTests {
    private let mounts = """
        32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """

    private func find(_ memberships: String, own: String = "1:cpu:/\n2:memory:/\n0::/\n", marked: Set<String> = [])
        -> EnclosingAttempt?
    {
        AttemptFinder(CgroupHost.parse(mountinfo: mounts, memberships: own), memberships: own)
            .attempt(around: memberships, isMarked: marked.contains)
    }

    @Test func `a process below an attempt of any queue is inside it`() {
        #expect(find("0::/user.slice\n2:memory:/\n") == nil)
        #expect(find("0::/jobs/job-4.1\n")?.name == "job-4.1")
        #expect(find("0::/jobs/job-4.1/a/b (deleted)\n")?.name == "job-4.1")
        #expect(find("0::/jobs/run-12-99-4026531836/x\n")?.name == "run-12-99-4026531836")
        // In one hierarchy is enough, and a name that only looks like one is none.
        #expect(find("0::/\n2:memory:/jobs/job-4.1\n")?.name == "job-4.1")
        #expect(find("0::/jobs/job-x\n2:memory:/jobs/run-1\n") == nil)
        #expect(find("0::/jobs/job-1.1/jobs/job-2.1\n")?.name == "job-2.1")
    }

    @Test func `an attempt around the daemon itself says nothing of others`() {
        let own = "0::/jobs/job-1.1/jobs-others\n"
        #expect(find("0::/jobs/job-1.1\n", own: own) == nil)
        #expect(find("0::/jobs/job-1.1/shell\n", own: own) == nil)
        #expect(find("0::/jobs/job-1.1/jobs/job-1.1\n", own: own)?.name == "job-1.1")
        #expect(find("0::/jobs/job-2.1\n", own: own)?.name == "job-2.1")
    }

    @Test func `the mark counts in the one hierarchy, and of all attempts around`() {
        let marked: Set = ["/sys/fs/cgroup/unified/jobs/job-1.1"]
        #expect(find("0::/jobs/job-1.1/x\n", marked: marked)?.maySubmit == true)
        #expect(find("0::/jobs/job-1.1\n2:memory:/jobs/job-1.1\n", marked: marked)?.maySubmit == true)
        #expect(find("0::/jobs/job-1.1/job-2.1\n", marked: marked)?.maySubmit == false)
        #expect(find("0::/\n2:memory:/jobs/job-1.1\n", marked: marked)?.maySubmit == false)
        #expect(find("0::/jobs/job-1.1\n2:memory:/jobs/job-9.1\n", marked: marked)?.maySubmit == false)
        #expect(find("0::/../jobs/job-1.1\n", marked: marked)?.maySubmit == false)
        // Seen from a cgroup of our own, beside it.
        let own = "0::/a/b\n"
        let beside: Set = ["/sys/fs/cgroup/unified/a/jobs/job-1.1"]
        #expect(find("0::/a/jobs/job-1.1\n", own: own, marked: beside)?.maySubmit == true)
    }
}
