// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cgroups

/// Where our own cgroup is, when mount roots, namespaces and escapes get in between.
@Suite struct HostPathTests {
    private func unified(root: String = "/", mount: String = "/sys/fs/cgroup", path: String) -> CgroupHost.Hierarchy? {
        CgroupHost.parse(
            mountinfo: "30 23 0:26 \(root) \(mount) rw,relatime shared:8 - cgroup2 cgroup2 rw\n",
            memberships: "0::\(path)\n"
        ).unified
    }

    @Test(arguments: [
        ("/", "/", "/sys/fs/cgroup"),
        ("/", "/a/b", "/sys/fs/cgroup/a/b"),
        ("/a", "/a", "/sys/fs/cgroup"),
        ("/a", "/a/b", "/sys/fs/cgroup/b"),
        // A name that only begins alike is another cgroup.
        ("/a", "/ab", "/sys/fs/cgroup"),
        ("/a", "/b", "/sys/fs/cgroup"),
        ("/a/b", "/a", "/sys/fs/cgroup"),
    ])
    func `our cgroup below the root of the mount`(_ root: String, _ path: String, _ own: String) {
        #expect(unified(root: root, path: path)?.own == own)
    }

    /// A mount made outside of our cgroup namespace has a root above it, and a process outside has a path above it.
    @Test(arguments: [
        // What lies between the mount's root and us has no name here.
        ("/..", "/", "/sys/fs/cgroup"),
        ("/../..", "/", "/sys/fs/cgroup"),
        ("/../..", "/job", "/sys/fs/cgroup"),
        ("/..", "/../sibling", "/sys/fs/cgroup/sibling"),
        // Never out of the mount: `/sys/fs/cgroup/../x` is no cgroup at all.
        ("/", "/..", "/sys/fs/cgroup"),
        ("/", "/../x", "/sys/fs/cgroup"),
        ("/", "/../../user.slice", "/sys/fs/cgroup"),
        ("/..", "/../../x", "/sys/fs/cgroup"),
        // Dots in a name are no way up.
        ("/", "/..x/y..z", "/sys/fs/cgroup/..x/y..z"),
    ])
    func `paths above the namespace's root never leave the mount`(_ root: String, _ path: String, _ own: String) {
        #expect(unified(root: root, path: path)?.own == own)
    }

    /// Taken for ours, a cgroup above ours would let a job out of our limits.
    @Test func `it is known whether our own cgroup is mounted`() {
        for (root, path) in [("/", "/a"), ("/a", "/a/b"), ("/a", "/a"), ("/", "/"), ("/..", "/../sibling")] {
            #expect(unified(root: root, path: path)?.isOurs == true, "\(root) \(path)")
        }
        for (root, path) in [("/..", "/"), ("/../..", "/job"), ("/", "/../x"), ("/a", "/b"), ("/..", "/../../x")] {
            #expect(unified(root: root, path: path)?.isOurs == false, "\(root) \(path)")
        }
    }

    @Test func `a mount point with spaces and backslashes is unescaped`() {
        let found = unified(mount: #"/mnt/my\040cgroup\011x\134040\043"#, path: "/job")
        #expect(found?.mountPoint == "/mnt/my cgroup\tx\\040#")
        #expect(found?.own == "/mnt/my cgroup\tx\\040#/job")
    }

    /// systemd writes `-` in a slice's name as `\x2d`; mountinfo escapes that backslash, `/proc/self/cgroup` does not.
    @Test func `a mount root with an escaped unit name is recognised as our own`() {
        let found = unified(root: #"/system.slice/a\134x2db.service"#, path: #"/system.slice/a\x2db.service/sub"#)
        #expect(found?.own == "/sys/fs/cgroup/sub")
    }

    @Test func `what only looks like an escape is kept`() {
        #expect(unified(mount: #"/mnt/a\9zz"#, path: "/")?.mountPoint == #"/mnt/a\9zz"#)
        #expect(unified(mount: #"/mnt/a\"#, path: "/")?.mountPoint == #"/mnt/a\"#)
        #expect(unified(mount: #"/mnt/a\777"#, path: "/")?.mountPoint == #"/mnt/a\777"#)
    }

    @Test func `a path with colons, spaces and letters of any script is taken whole`() {
        #expect(unified(path: "/a:b c/ü")?.own == "/sys/fs/cgroup/a:b c/ü")
    }

    @Test func `of several cgroup2 mounts the first is the system's`() {
        let host = CgroupHost.parse(
            mountinfo: """
                30 23 0:26 / /sys/fs/cgroup rw,relatime shared:8 - cgroup2 cgroup2 rw
                90 28 0:26 /kubepods /var/lib/kubelet/cgroup rw,relatime - cgroup2 cgroup2 rw
                """,
            memberships: "0::/system.slice/x.service\n")
        #expect(
            host.unified
                == CgroupHost.Hierarchy(
                    mountPoint: "/sys/fs/cgroup", own: "/sys/fs/cgroup/system.slice/x.service"))
    }

    @Test func `of several mounts of a v1 controller the first counts`() {
        let host = CgroupHost.parse(
            mountinfo: """
                35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                99 31 0:32 /x /mnt/memory rw,relatime - cgroup cgroup rw,memory
                """, memberships: "4:memory:/x\n")
        #expect(host.v1[.memory]?.own == "/sys/fs/cgroup/memory/x")
    }

    @Test func `optional fields of any number stand before the dash`() {
        for optional in ["", "shared:8 ", "shared:8 master:1 propagate_from:2 ", "unbindable "] {
            let host = CgroupHost.parse(
                mountinfo: "30 23 0:26 / /sys/fs/cgroup rw,relatime \(optional)- cgroup2 cgroup2 rw\n",
                memberships: "0::/\n")
            #expect(host.unified?.mountPoint == "/sys/fs/cgroup", "\(optional)")
        }
    }

    @Test(arguments: [
        "", "\n\n", "30", "30 23 0:26 / /sys/fs/cgroup rw,relatime", "30 23 0:26 / /sys/fs/cgroup rw,relatime -",
        "30 23 0:26 / /sys/fs/cgroup rw,relatime - cgroup2", "30 23 0:26 / - cgroup2 cgroup2 rw",
        "- cgroup2 cgroup2 rw", "30 23 0:26 / /sys/fs/cgroup rw - cgroup3 cgroup rw,memory",
        "30 23 0:26 / /sys/fs/cgroup rw - tmpfs cgroup2 rw,memory", "\u{0}\u{1}\u{fffd}",
    ])
    func `a malformed mountinfo line is passed over`(_ line: String) {
        let memberships = "4:memory:/x\n0::/x\n"
        let good = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
        let alone = CgroupHost.parse(mountinfo: line, memberships: memberships)
        #expect(alone.unified == nil && alone.v1.isEmpty)
        let beside = CgroupHost.parse(mountinfo: line + "\n" + good, memberships: memberships)
        #expect(beside.v1[.memory]?.own == "/sys/fs/cgroup/memory/x", "and takes no good line with it")
    }

    @Test(arguments: ["", "0", "0:", "memory", "4:memory", ":", "\n"])
    func `without a membership there is no hierarchy of ours`(_ memberships: String) {
        let host = CgroupHost.parse(
            mountinfo: """
                35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
                """, memberships: memberships)
        #expect(host.unified == nil && host.v1.isEmpty)
    }

    @Test func `no damage to either file brings the parser down`() {
        let mounts = #"""
            30 23 0:26 /a\040b /sys/fs/cgroup rw,relatime shared:8 - cgroup2 cgroup2 rw,nsdelegate
            35 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
            """#
        for text in damaged(mounts) {
            let host = CgroupHost.parse(mountinfo: text, memberships: "1:cpu,cpuacct:/x\n0::/a b/c\n")
            #expect(host.v2Controllers.isEmpty)
        }
        for text in damaged("1:cpu,cpuacct:/x\n0::/a b/c\n") {
            let host = CgroupHost.parse(mountinfo: mounts, memberships: text)
            #expect(host.v1[.memory] == nil)
        }
    }
}
