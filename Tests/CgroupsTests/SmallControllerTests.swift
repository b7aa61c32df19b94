// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Cgroups

@Suite struct HugepageTests {
    /// `mem_fmt()` in mm/hugetlb_cgroup.c.
    @Test(arguments: [
        (64 << 10, "64KB"), (1 << 20, "1MB"), (2 << 20, "2MB"), (32 << 20, "32MB"), (512 << 20, "512MB"),
        (1 << 30, "1GB"), (16 << 30, "16GB"),
    ])
    func `a page size is named as the kernel does`(_ bytes: Int, _ name: String) {
        #expect(HugepageController.sizeName(ByteCount(bytes)) == name)
    }

    @Test func `a limit goes to the file of its size`() throws {
        let v2 = try FakeCgroup(["hugetlb.2MB.max": "", "hugetlb.1GB.max": ""])
        try HugepageController.apply([ByteCount(2 << 20): ByteCount(8 << 20)], to: v2.directory(.v2))
        #expect(v2.text(of: "hugetlb.2MB.max") == "8388608" && v2.text(of: "hugetlb.1GB.max") == "")
        let v1 = try FakeCgroup(["hugetlb.1GB.limit_in_bytes": ""])
        try HugepageController.apply([ByteCount(1 << 30): ByteCount(0)], to: v1.directory(.v1))
        #expect(v1.text(of: "hugetlb.1GB.limit_in_bytes") == "0")
    }

    @Test func `a size that the machine has not is an error that says so`() throws {
        let directory = try FakeCgroup(["hugetlb.2MB.max": ""]).directory(.v2)
        let error = #expect(throws: CgroupError.self) {
            try HugepageController.apply([ByteCount(1 << 30): ByteCount(1 << 30)], to: directory)
        }
        #expect(error?.description.contains("/sys/kernel/mm/hugepages") == true)
    }
}

@Suite struct PidsTests {
    @Test func `the limit is read back and max is no limit`() throws {
        var effective = EffectiveLimits()
        PidsController.readBack(try FakeCgroup(["pids.max": "64\n"]).directory(.v2), into: &effective)
        #expect(effective.pids == 64)
        PidsController.readBack(try FakeCgroup(["pids.max": "max\n"]).directory(.v1), into: &effective)
        #expect(effective.pids == nil)
    }

    /// 6.12 gave pids.events a new meaning and the old one to pids.events.local.
    @Test func `refusals are the job's own on every kernel`() throws {
        var reading = UsageReading()
        PidsController.usage(
            of: try FakeCgroup(["pids.events": "max 7\n", "pids.peak": "9\n", "pids.max": "9\n"]).directory(.v2),
            into: &reading)
        #expect(reading.usage.pidsLimitHits == 7 && reading.usage.pidsPeak == 9)
        let new = try FakeCgroup(["pids.events": "max 8\n", "pids.events.local": "max 3\n", "pids.peak": "9\n"])
        PidsController.usage(of: try new.directory(.v2), into: &reading)
        #expect(reading.usage.pidsLimitHits == 3)
    }

    /// Kernels before 6.12, and v1, count a refusal where the fork was.
    @Test(arguments: ["max\n", "10\n"]) func `a refusal below the job's own limit is one above`(_ limit: String) throws
    {
        var reading = UsageReading()
        let files = ["pids.events": "max 7\n", "pids.peak": "9\n", "pids.max": limit]
        PidsController.usage(of: try FakeCgroup(files).directory(.v1), into: &reading)
        #expect(reading.usage.pidsLimitHits == 0 && reading.forksRefusedAbove == 7)
    }

    @Test func `absent is not zero`() throws {
        var reading = UsageReading()
        PidsController.usage(of: try FakeCgroup(["pids.current": "1\n"]).directory(.v2), into: &reading)
        #expect(reading.usage == Usage())
        #expect(reading.unavailable["pids_peak"]?.contains("6.1") == true)
        reading = UsageReading()
        PidsController.usage(of: nil, into: &reading)
        #expect(reading.usage == Usage() && reading.unavailable.count == 2)
    }
}

@Suite struct CpusetTests {
    @Test func `the effective set is read from whichever file there is`() throws {
        let v2 = try FakeCgroup(["cpuset.cpus": "\n", "cpuset.cpus.effective": "0-3\n"])
        #expect(CpusetController.effective(try v2.directory(.v2)) == "0-3")
        let v1 = try FakeCgroup(["cpuset.cpus": "0-7\n", "cpuset.effective_cpus": "0,2\n"])
        #expect(CpusetController.effective(try v1.directory(.v1)) == "0,2")
        #expect(CpusetController.effective(try FakeCgroup(["cpuset.cpus": "1\n"]).directory(.v1)) == "1")
        #expect(CpusetController.effective(try FakeCgroup().directory(.v1)) == nil)
    }

    /// v2 takes CPUs that do not exist and silently uses the parent's.
    @Test func `CPUs that the job did not get are an error`() throws {
        let directory = try FakeCgroup(["cpuset.cpus": "", "cpuset.cpus.effective": "0-1\n"]).directory(.v2)
        try CpusetController.apply(try IDSet(parsing: "0-1"), to: directory)
        let error = #expect(throws: CgroupError.self) {
            try CpusetController.apply(try IDSet(parsing: "1-9"), to: directory)
        }
        #expect(error?.description.contains("offers 0-1") == true)
    }

    @Test func `an empty v1 set inherits its memory nodes`() throws {
        let parent = try FakeCgroup([
            "cpuset.mems": "0-1\n", "job/cpuset.mems": "", "job/cpuset.cpus": "", "job/cpuset.effective_cpus": "3\n",
        ])
        try CpusetController.apply(try IDSet(parsing: "3"), to: parent.directory(.v1, "job"))
        #expect(parent.text(of: "job/cpuset.mems") == "0-1")
        #expect(parent.text(of: "job/cpuset.cpus") == "3")
    }
}

@Suite struct CgroupDirectoryTests {
    @Test func `a file of one number, and what is none`() throws {
        let directory = try FakeCgroup([
            "number": "123\n", "bare": "5", "max": "max\n", "empty": "", "newline": "\n", "text": "abc 1\n",
            "two": "7 8\n", "huge": "18446744073709551615\n", "negative": "-1\n",
        ]).directory(.v2)
        #expect(directory.readInt("number") == 123 && directory.readInt("bare") == 5)
        #expect(directory.readInt("two") == 7 && directory.readInt("negative") == -1)
        for name in ["max", "empty", "newline", "text", "huge", "missing"] {
            #expect(directory.readInt(name) == nil, "\(name)")
        }
    }

    @Test func `processes are numbers, one a line`() throws {
        #expect(try FakeCgroup(["cgroup.procs": "1\n22\n333\n"]).directory(.v2).processes == [1, 22, 333])
        #expect(try FakeCgroup(["cgroup.procs": ""]).directory(.v2).processes.isEmpty)
        #expect(try FakeCgroup().directory(.v2).processes.isEmpty)
    }

    @Test func `everyone below is found, sub-cgroups' too`() throws {
        let tree = try FakeCgroup(["cgroup.procs": "1\n", "a/cgroup.procs": "2\n", "a/b/cgroup.procs": "3\n4\n"])
        #expect(AttemptCgroup.everyone(in: tree.path, version: .v2).sorted() == [1, 2, 3, 4])
        #expect(AttemptCgroup.everyone(in: tree.path + "/missing", version: .v2).isEmpty)
    }

    @Test func `only directories are cgroups`() throws {
        let tree = try FakeCgroup(["memory.max": "max\n", "a/x": "", "b/x": ""])
        #expect(CgroupDirectory.children(of: tree.path).sorted() == ["a", "b"])
    }

    @Test func `a failed write names file, value and reason`() throws {
        let directory = try FakeCgroup().directory(.v2)
        let error = #expect(throws: CgroupError.self) { try directory.write("12", to: "memory.max") }
        #expect(error?.description.contains("/memory.max ('12'): No such file or directory") == true)
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a", "/")])
    func `the parent of a path`(_ path: String, _ parent: String) { #expect(parentPath(path) == parent) }
}
