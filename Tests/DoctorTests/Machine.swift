// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import SystemPackage

@testable import Doctor

/// A machine made of files, gone with the last reference to it.
final class Machine {
    let root: String
    var user = Facts.User(id: 0, name: "root")
    var probes = Probes()
    var environment: [String: String] = [:]
    var canReadKernelLog = true

    /// An up-to-date Debian: systemd, cgroup v2 for everything, a root shell in a session.
    init() {
        var name = Array("/tmp/jobs-doctor-test-XXXXXX".utf8CString)
        root = String(cString: mkdtemp(&name))
        write("proc/sys/kernel/osrelease", "6.12.117+deb13-amd64\n")
        write("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet\n")
        write("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
        write("proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        write("proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow\n")
        write("proc/sys/user/max_user_namespaces", "31000\n")
        for kind in ["mnt", "pid", "ipc", "uts", "net", "cgroup", "user", "time"] { write("proc/self/ns/\(kind)", "") }
        write("run/systemd/system/.keep", "")
        write("etc/default/grub", "")
        mountUnified(own: "/user.slice/user-0.slice/session-1.scope")
        probes.calls = [
            "clone3": .present, "pidfd": .present, "close-range": .present, "mount-setattr": .present,
            "clone-into-cgroup": .present,
        ]
        probes.userNamespace = .works
    }

    deinit {
        func remove(_ path: String) {
            for entry in (try? Files.list(path)) ?? [] {
                let child = path + "/" + entry.name
                if entry.isDirectory { remove(child) } else { unlink(child) }
            }
            rmdir(path)
        }
        remove(root)
    }

    /// A v2 tree at `cgroup`, with us in `own` and the usual controllers handed down to `system.slice`.
    func mountUnified(own: String, controllers: String = "cpuset cpu io memory hugetlb pids") {
        write("proc/self/mountinfo", "30 25 0:26 / \(root)/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n")
        write("proc/self/cgroup", "0::\(own)\n")
        write("cgroup/cgroup.controllers", controllers + "\n")
        if own != "/" {
            fill("cgroup\(own)", ["cgroup.type", "cgroup.kill", "cgroup.freeze"])
            write("cgroup\(own)/cgroup.controllers", "memory pids\n")
        }
        fill("cgroup/system.slice", v2Files)
    }

    /// As on the build machine: every controller on v1, a v2 tree beside them.
    func mountHybrid() {
        var mounts = "40 30 0:40 / \(root)/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        var memberships = "0::/\n"
        for (number, name) in ["memory", "cpu", "cpuacct", "cpuset", "pids", "blkio", "devices", "freezer"].enumerated()
        {
            mounts += "\(41 + number) 30 0:\(41 + number) / \(root)/cgroup/\(name) rw - cgroup cgroup rw,\(name)\n"
            memberships += "\(number + 1):\(name):/\n"
        }
        write("proc/self/mountinfo", mounts)
        write("proc/self/cgroup", memberships)
        write("cgroup/unified/cgroup.controllers", "hugetlb\n")
        fill("cgroup/unified/other", ["cgroup.type", "cgroup.kill", "cgroup.freeze"])
        fill(
            "cgroup/memory",
            [
                "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.memsw.limit_in_bytes",
                "memory.memsw.max_usage_in_bytes",
            ])
        fill("cgroup/cpu", ["cpu.shares", "cpu.cfs_quota_us"])
        probes.made["\(root)/cgroup/pids"] = ["pids.max", "pids.peak"]
    }

    let v2Files = [
        "cgroup.type", "cgroup.kill", "cgroup.freeze", "cpu.weight", "cpu.max", "memory.max", "memory.peak",
        "memory.swap.max", "memory.swap.peak", "memory.oom.group", "memory.events.local", "pids.max", "pids.peak",
    ]

    func fill(_ directory: String, _ files: [String]) { for file in files { write(directory + "/" + file, "") } }

    func write(_ path: String, _ text: String) {
        var directory = root
        for part in path.split(separator: "/").dropLast() {
            directory += "/" + part
            mkdir(directory, 0o755)
        }
        // A fixture that cannot be written fails the test that reads it.
        try? Descriptor.open(root + "/" + path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).write(text)
    }

    func remove(_ path: String) { unlink(root + "/" + path) }

    var report: Report {
        Report(
            Facts.read(
                Roots(proc: root + "/proc", system: root, environment: environment), user: user, probes: probes,
                canReadKernelLog: canReadKernelLog))
    }

    /// Lines of the table without the spaces that align it and without where the fixture lies.
    var lines: [String] {
        Table(report).text.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ").replacing(root, with: "")
        }
    }

    func finding(_ id: String) -> Finding? { report.findings.first { $0.id == id } }
}

extension Report {
    func ids(_ status: Finding.Status) -> [String] { findings.filter { $0.status == status }.map(\.id) }
}
