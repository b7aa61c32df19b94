// SPDX-License-Identifier: Apache-2.0
import JobModel
import Testing

@testable import Supervisor

/// The kernel's own words, as `/dev/kmsg` gives them: `PRIORITY,SEQUENCE,USEC,FLAGS;TEXT`.
@Suite struct KernelLogTests {
    /// v2, kernel 6.12, the job's own limit.
    private let own = [
        "4,1201,64893021,-;stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n",
        "4,1202,64893040,-;CPU: 1 UID: 0 PID: 812 Comm: stress Not tainted 6.12.117+deb13-cloud-amd64 #1  Debian\n",
        "6,1215,64893100,-;memory: usage 102400kB, limit 102400kB, failcnt 87\n",
        "6,1216,64893101,-;swap: usage 0kB, limit 0kB, failcnt 0\n",
        "6,1217,64893102,-;Memory cgroup stats for /jobs.slice/run-7-99:\n",
        "6,1240,64893200,-;Tasks state (memory values in pages):\n",
        "6,1241,64893201,-;[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n",
        "6,1242,64893202,-;[    812]     0   812    26541    25472    25472        0         0   258048        0             0 stress\n",
        "6,1243,64893210,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=run-7-99,mems_allowed=0,oom_memcg=/jobs.slice/run-7-99,task_memcg=/jobs.slice/run-7-99,task=stress,pid=812,uid=0\n",
        "3,1244,64893220,-;Memory cgroup out of memory: Killed process 812 (stress) total-vm:106164kB, anon-rss:101888kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:252kB oom_score_adj:0\n",
    ]

    private func parse(_ lines: [String]) -> [KernelOOM] { KernelLog.parse(lines, cgroupNamed: "run-7-99") }

    private func kill(_ pid: Int, _ name: String, prefix: String = "Memory cgroup out of memory: ") -> String {
        "3,1,2,-;\(prefix)Killed process \(pid) (\(name)) total-vm:106164kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:252kB oom_score_adj:0\n"
    }

    private func cause(_ task: String, limit: String? = nil, name: String = "stress", pid: Int = 812) -> String {
        let scope = limit.map { "oom_memcg=\($0)" } ?? "global_oom"
        let constraint = limit == nil ? "CONSTRAINT_NONE" : "CONSTRAINT_MEMCG"
        return
            "6,1,2,-;oom-kill:constraint=\(constraint),nodemask=(null),cpuset=/,mems_allowed=0,\(scope),task_memcg=\(task),task=\(name),pid=\(pid),uid=0\n"
    }

    @Test func `an OOM at the job's own limit, v2`() {
        #expect(
            parse(own) == [
                KernelOOM(
                    limitPath: "/jobs.slice/run-7-99", taskPath: "/jobs.slice/run-7-99",
                    victims: [OOMVictim(process: "stress", pid: 812, anonRSSBytes: 101_888 * 1024)])
            ])
    }

    /// From this machine, kernel 6.18.
    @Test func `an OOM at the job's own limit, v1`() {
        let path = "/process_api/4f41f86acd595787bc99f0c7cebfe9b8/jobs/run-7-99"
        let found = parse([
            "6,902,81230011,-;memory: usage 32768kB, limit 32768kB, failcnt 158\n",
            "6,903,81230012,-;memory+swap: usage 32768kB, limit 32768kB, failcnt 0\n",
            "6,904,81230013,-;kmem: usage 344kB, limit 9007199254740988kB, failcnt 0\n",
            cause(path, limit: path, pid: 17_488), kill(17_488, "python3"),
        ])
        #expect(found.map(\.limitPath) == [path])
        #expect(found.first?.victims == [OOMVictim(process: "python3", pid: 17_488, anonRSSBytes: 8192)])
    }

    @Test func `an ancestor's limit and a task of ours below`() {
        let found = parse([cause("/jobs/run-7-99", limit: "/jobs", pid: 1), kill(1, "x")])
        #expect(found.first?.limitPath == "/jobs" && found.first?.taskPath == "/jobs/run-7-99")
    }

    @Test func `a global OOM has no limit`() {
        let found = parse([cause("/jobs/run-7-99"), kill(812, "stress", prefix: "Out of memory: ")])
        #expect(found.count == 1)
        #expect(found.first?.limitPath == nil)
        #expect(found.first?.victims.map(\.pid) == [812])
    }

    /// The kernel names the first of them twice.
    @Test func `a group kill has many victims, each once`() {
        let found = parse([
            "4,1,2,-;a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n",
            "6,1,2,-;[  pid  ]   uid  tgid total_vm      rss name\n", "6,1,2,-;[      1]     0     1    2   2 a\n",
            "6,1,2,-;[      2]     0     2    2   2 b\n", "6,1,2,-;[  12345]     0 12345    2   2 c\n",
            cause("/jobs/run-7-99", limit: "/jobs/run-7-99", pid: 1), kill(1, "a"),
            "6,1,2,-;Tasks in /jobs/run-7-99 are going to be killed due to memory.oom.group set\n",
            kill(1, "a"), kill(2, "b"), kill(12_345, "c"),
            "6,1,2,-;oom_reaper: reaped process 3 (c), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
            // Another job's, whose cause the kernel has held back.
            kill(6, "theirs"),
        ])
        #expect(found.count == 1)
        #expect(found.first?.victims.map(\.pid) == [1, 2, 12_345])
    }

    /// Ten in five seconds, then the kernel tells the victims alone.
    @Test func `victims without a cause are nobody's`() {
        let found = parse([
            cause("/jobs/run-7-99", limit: "/jobs/run-7-99"), kill(812, "ours"), kill(813, "secret"), kill(812, "ours"),
            "6,1,2,-;Tasks in /jobs/run-8-1 are going to be killed due to memory.oom.group set\n", kill(814, "secret"),
        ])
        #expect(found.map { $0.victims.map(\.pid) } == [[812]])
        #expect(parse([kill(813, "secret")]).isEmpty)
    }

    @Test func `another job's kill is not ours, and its victims neither`() {
        #expect(parse([cause("/jobs/run-7-98", limit: "/jobs/run-7-98"), kill(5, "x")]).isEmpty)
        let mixed = parse([
            kill(4, "before"), cause("/jobs/run-7-99", limit: "/jobs/run-7-99"), kill(812, "ours"),
            cause("/jobs/run-8-1", limit: "/jobs/run-8-1"), kill(5, "theirs"),
            cause("/jobs/run-7-99", limit: "/jobs", pid: 6), kill(6, "ours"),
        ])
        #expect(mixed.map { $0.victims.map(\.pid) } == [[812], [6]])
        #expect(mixed.map(\.limitPath) == ["/jobs/run-7-99", "/jobs"])
    }

    @Test func `a name that only begins or ends like ours is another's`() {
        for task in ["/jobs/run-7-99-1", "/jobs/run-7-9", "/jobs/xrun-7-99", "/", ""] {
            #expect(parse([cause(task, limit: "/jobs/run-7-99"), kill(5, "x")]).isEmpty, "\(task)")
        }
    }

    @Test func `a sub-cgroup that the job made is ours`() {
        let inner = "/jobs/run-7-99/a/b"
        let found = parse([cause(inner, limit: inner, pid: 5), kill(5, "x")])
        #expect(
            found == [
                KernelOOM(limitPath: inner, taskPath: inner, victims: [.init(process: "x", pid: 5, anonRSSBytes: 8192)])
            ])
    }

    @Test func `continuation lines of a record do not disturb`() {
        let tail = " SUBSYSTEM=memory\n DEVICE=+x:y,oom_memcg=/other,task_memcg=/other\n"
        let found = parse([cause("/jobs/run-7-99", limit: "/jobs/run-7-99", pid: 5) + tail, kill(5, "x") + tail])
        #expect(found.map(\.limitPath) == ["/jobs/run-7-99"])
        #expect(found.first?.victims.map(\.process) == ["x"])
    }

    @Test(arguments: [
        "stress ng", "(sd-pam)", "a) b", "a,b=c", "x(y)(z)", ")", "(", "ü", ":kworker/0:1", "a;b", "oom-kill:x",
        "a) anon-rss:1kB", "Killed process ",
    ])
    func `a process may be called anything`(_ name: String) {
        let found = parse([
            cause("/jobs/run-7-99", limit: "/jobs/run-7-99", name: name, pid: 5), kill(5, name), kill(6, "next"),
        ])
        #expect(found.count == 1)
        #expect(found.first?.victims == [OOMVictim(process: name, pid: 5, anonRSSBytes: 8192)])
    }

    /// As `/dev/kmsg` writes a backslash, UTF-8, a line feed and an escape.
    @Test func `escapes are undone in names and paths`() {
        let found = parse([
            cause("/jobs\\xc3\\xa9/run-7-99", limit: "/jobs\\xc3\\xa9", name: "a\\x5cb", pid: 5),
            kill(5, "a\\x5cx41\\x0a\\x1b\\xc3\\xbc"),
        ])
        #expect(found.map(\.limitPath) == ["/jobsé"] && found.map(\.taskPath) == ["/jobsé/run-7-99"])
        #expect(found.first?.victims.map(\.process) == ["a\\x41\n\u{1b}ü"])
        #expect(parse([cause("/jobs/run-7-99"), kill(812, "\\x4")]).first?.victims.map(\.process) == ["\\x4"])
    }

    /// A process's name is 15 bytes of its own choosing and stands in the same line as the facts.
    @Test(arguments: ["x,oom_memcg=/a", ",task_memcg=/a", "x,oom_memcg=/jo", "x,pid=1,uid=0"])
    func `a process's name cannot forge the cause`(_ name: String) {
        let system = parse([cause("/jobs/run-7-99", name: name), kill(5, name)])
        #expect(system.map(\.limitPath) == [nil])
        let own = parse([cause("/jobs/run-7-99", limit: "/jobs/run-7-99", name: name), kill(5, name)])
        #expect(own.map(\.limitPath) == ["/jobs/run-7-99"])
        #expect(own.map(\.taskPath) == ["/jobs/run-7-99"])
    }

    @Test func `the words before 5.2 are understood as well`() {
        let found = parse([
            cause("/jobs/run-7-99", limit: "/jobs/run-7-99"),
            "3,1,2,-;Memory cgroup out of memory: Killed process 812 (x), UID 1000, total-vm:1kB, anon-rss:7kB, file-rss:0kB\n",
        ])
        #expect(found.first?.victims == [OOMVictim(process: "x", pid: 812, anonRSSBytes: 7 * 1024)])
    }

    @Test func `text without a record's prefix is read alike`() {
        let bare = own.map { $0.drop { $0 != ";" }.dropFirst().split(separator: "\n").joined() }
        #expect(parse(bare) == parse(own) && !parse(bare).isEmpty)
    }

    @Test func `a record cut off is no crash, and no victim without a name`() {
        for line in [own[8], own[9]] {
            for count in 0..<line.count { _ = parse([own[8], String(line.prefix(count))]) }
        }
        #expect(parse([own[8], "3,1,2,-;Memory cgroup out of memory: Killed process 812 (str"]).first?.victims == [])
        #expect(parse([own[8], "3,1,2,-;Killed process x (y) anon-rss:1kB"]).first?.victims == [])
        #expect(parse([]).isEmpty && parse(["", ";", ";;", "\n"]).isEmpty)
    }

    @Test func `a victim without its size has none`() {
        let found = parse([own[8], "3,1,2,-;Memory cgroup out of memory: Killed process 812 (stress)\n"])
        #expect(found.first?.victims == [OOMVictim(process: "stress", pid: 812, anonRSSBytes: nil)])
    }
}
