// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cgroups

/// Which layout a machine has, from the mountinfo and cgroup files of real ones.
@Suite struct HostLayoutTests {
    /// `unshare --cgroup --mount` and a mount of the namespace's own tree, as a container has it.
    @Test func `a mount that covers another one is the one that counts`() {
        let host = CgroupHost.parse(
            mountinfo: """
                30 25 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw
                31 30 0:26 / /sys/fs/cgroup rw - cgroup2 none rw
                32 25 0:26 /a /mnt/elsewhere rw - cgroup2 none rw

                """, memberships: "0::/jobs-others\n")
        #expect(host.unified?.own == "/sys/fs/cgroup/jobs-others")
    }

    @Test func `Debian 12 with systemd is unified`() {
        let host = CgroupHost.parse(
            mountinfo: """
                23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:6 - sysfs sysfs rw
                24 28 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
                28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
                30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:8 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
                31 23 0:27 / /sys/fs/pstore rw,nosuid,nodev,noexec,relatime shared:9 - pstore pstore rw
                """,
            memberships: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/jobs.service\n")
        #expect(host.mode == .unified)
        #expect(host.v1.isEmpty)
        #expect(host.unified?.mountPoint == "/sys/fs/cgroup")
        #expect(
            host.unified?.own
                == "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/jobs.service")
    }

    @Test func `Debian 13 is unified, in the root cgroup without a trailing slash`() {
        let host = CgroupHost.parse(
            mountinfo:
                "29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot,memory_hugetlb_accounting\n",
            memberships: "0::/\n")
        #expect(host.mode == .unified)
        #expect(host.unified == CgroupHost.Hierarchy(mountPoint: "/sys/fs/cgroup", own: "/sys/fs/cgroup"))
    }

    /// This machine: a hierarchy per controller, no systemd, and the memory cgroup alone is not the root.
    @Test func `a hybrid machine has each controller where it is mounted`() throws {
        let host = CgroupHost.parse(
            mountinfo: """
                31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
                32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
                33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
                34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
                35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
                37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
                38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
                39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
                40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
                41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
                """,
            memberships: """
                9:name=systemd:/
                8:pids:/
                7:blkio:/
                6:freezer:/
                5:devices:/
                4:memory:/process_api/4f41f86acd595787bc99f0c7cebfe9b8
                3:cpuset:/
                2:cpuacct:/
                1:cpu:/
                0::/
                """)
        #expect(host.mode == .hybrid)
        #expect(host.unified?.own == "/sys/fs/cgroup/unified")
        #expect(Set(host.v1.keys) == [.cpu, .cpuacct, .cpuset, .memory, .devices, .freezer, .io, .pids])
        #expect(host.v1[.io]?.own == "/sys/fs/cgroup/blkio")
        let memory = try #require(host.v1[.memory])
        #expect(memory.mountPoint == "/sys/fs/cgroup/memory")
        #expect(memory.own == "/sys/fs/cgroup/memory/process_api/4f41f86acd595787bc99f0c7cebfe9b8")
    }

    @Test func `controllers mounted together share a directory on a legacy machine`() {
        let host = CgroupHost.parse(
            mountinfo: """
                25 18 0:20 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
                26 25 0:21 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:10 - cgroup cgroup rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd
                29 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:13 - cgroup cgroup rw,cpu,cpuacct
                30 25 0:25 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec,relatime shared:14 - cgroup cgroup rw,net_cls,net_prio
                31 25 0:26 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:15 - cgroup cgroup rw,memory
                32 25 0:27 / /sys/fs/cgroup/perf_event rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,perf_event
                33 25 0:28 / /sys/fs/cgroup/hugetlb rw,nosuid,nodev,noexec,relatime shared:17 - cgroup cgroup rw,hugetlb
                """,
            memberships: """
                11:perf_event:/
                9:memory:/system.slice/cron.service
                6:hugetlb:/
                4:net_cls,net_prio:/
                2:cpu,cpuacct:/system.slice/cron.service
                1:name=systemd:/system.slice/cron.service
                """)
        #expect(host.mode == .legacy)
        #expect(host.unified == nil)
        #expect(Set(host.v1.keys) == [.cpu, .cpuacct, .memory, .hugetlb])
        #expect(host.v1[.cpu]?.own == "/sys/fs/cgroup/cpu,cpuacct/system.slice/cron.service")
        #expect(host.v1[.cpuacct] == host.v1[.cpu])
        #expect(host.v1[.hugetlb]?.own == "/sys/fs/cgroup/hugetlb")
    }

    @Test func `a container with its own cgroup namespace lives at the mount point`() {
        let host = CgroupHost.parse(
            mountinfo: """
                1234 1200 0:75 / / rw,relatime - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/u,workdir=/w
                1240 1236 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot
                """,
            memberships: "0::/\n")
        #expect(host.mode == .unified)
        #expect(host.unified?.own == "/sys/fs/cgroup")
    }

    @Test func `a v1 container without a namespace sees its own cgroup as the mount's root`() {
        let host = CgroupHost.parse(
            mountinfo:
                "700 690 0:32 /docker/0123abcd /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:15 - cgroup cgroup rw,memory\n",
            memberships: "9:memory:/docker/0123abcd\n")
        #expect(host.v1[.memory]?.own == "/sys/fs/cgroup/memory")
    }

    @Test func `the way a controller is usable, v1 before v2`() {
        var host = CgroupHost.parse(
            mountinfo: """
                35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
                """,
            memberships: "4:memory:/\n0::/\n")
        #expect(host.v2Controllers.isEmpty, "the pure part does not look into files")
        host.v2Controllers = [.memory, .hugetlb]
        #expect(host.version(of: .memory) == .v1)
        #expect(host.version(of: .hugetlb) == .v2)
        #expect(host.version(of: .cpu) == nil)
    }

    @Test func `of cgroup.controllers only what we know is taken`() {
        #expect(
            CgroupHost.controllers(in: "cpuset cpu io memory hugetlb pids rdma misc dmem\n")
                == [.cpuset, .cpu, .io, .memory, .hugetlb, .pids])
        #expect(CgroupHost.controllers(in: "\n").isEmpty)
        #expect(CgroupHost.controllers(in: "").isEmpty)
        #expect(CgroupHost.controllers(in: "memory") == [.memory], "without a newline")
        #expect(CgroupHost.controllers(in: "memoryx blkio Memory +pids").isEmpty)
    }

    @Test func `blkio is io by its v2 name`() {
        #expect(Controller(v1Name: "blkio") == .io)
        #expect(Controller.io.v1Name == "blkio")
        #expect(Controller.allCases.allSatisfy { Controller(v1Name: $0.v1Name) == $0 })
        #expect(Controller(v1Name: "name=systemd") == nil)
    }

    @Test func `a machine without any hierarchy is told to mount one`() throws {
        let proc = try FakeCgroup([
            "self/mountinfo": "28 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n", "self/cgroup": "0::/\n",
        ])
        let error = #expect(throws: CgroupError.self) { try CgroupHost.detect(procRoot: proc.path) }
        #expect(error?.description.contains("mount -t cgroup2") == true)
    }

    @Test func `the controllers of a v2 mount come from its own file`() throws {
        let tree = try FakeCgroup(["mount/cgroup.controllers": "memory pids\n", "proc/self/cgroup": "0::/\n"])
        try tree.add(["proc/self/mountinfo": "30 23 0:26 / \(tree.path)/mount rw - cgroup2 cgroup2 rw\n"])
        #expect(try CgroupHost.detect(procRoot: tree.path + "/proc").v2Controllers == [.memory, .pids])
    }
}
