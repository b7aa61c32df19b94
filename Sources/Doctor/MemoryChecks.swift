// SPDX-License-Identifier: Apache-2.0
import Cgroups
import JobModel
import Linux

// Swap, pressure, and the log that names the victims of an OOM kill.
extension Facts {
    var memoryFindings: [Finding] { [swap, pressure, kernelLog] }

    private var swap: Finding {
        let (id, title) = ("swap", "swap")
        guard !swaps.isEmpty else { return Finding(id, title, .ok, "none: a memory limit is the whole limit") }
        let areas = swaps.map { area in
            let name = area.name.split(separator: "/").last.map(String.init) ?? area.name
            return area.isZram
                ? "\(ByteCount(area.bytes).human()) of zram (\(name))"
                : "\(ByteCount(area.bytes).human()) on \(area.name)"
        }.joined(separator: ", ")
        guard case .usable = availability(.memory) else {
            return Finding(
                id, title, .degraded, "\(areas); without the memory controller a job may use all of it",
                remedy: "as under memory controller above")
        }
        let zram = swaps.contains(where: \.isZram) ? "; zram holds swapped pages in RAM, outside of any limit" : ""
        switch swapAccounting {
        case .present:
            return Finding(id, title, .ok, "\(areas), limited per job; a job gets none unless it asks\(zram)")
        case .unknown:
            return Finding(
                id, title, .ok, "\(areas); no cgroup here shows whether it is limited per job\(zram)")
        case .absent:
            return Finding(
                id, title, .broken,
                "\(areas), not accounted per job: memory limits would not limit and are refused\(zram)",
                remedy: """
                    add swapaccount=1 to \(commandLineHome) and reboot, or turn swap off:
                      sudo swapoff -a
                    """)
        }
    }

    private var pressure: Finding {
        let (id, title) = ("pressure", "pressure (PSI)")
        guard hasPressure else {
            return Finding(
                id, title, .degraded,
                kernel < KernelVersion(4, 20)
                    ? "missing: came with kernel 4.20, this is \(kernel); how long jobs waited for memory, cpu and io is unknown"
                    : "off: how long jobs waited for memory, cpu and io is unknown",
                remedy: kernel < KernelVersion(4, 20)
                    ? "boot a kernel from 4.20 on"
                    : "add psi=1 to \(commandLineHome) and reboot; if it stays off, the kernel was built without CONFIG_PSI"
            )
        }
        guard cgroups?.unified != nil else {
            return Finding(
                id, title, .degraded, "for the machine only: cgroup v1 has none per job",
                remedy: "as under cgroup mode above")
        }
        return Finding(id, title, .ok, "present (kernel 4.20)")
    }

    private var kernelLog: Finding {
        let (id, title) = ("kernel-log", "kernel log")
        if canReadKernelLog { return Finding(id, title, .ok, "/dev/kmsg is readable: OOM victims get named") }
        let why = dmesgRestrict == 1 && !user.isRoot ? "kernel.dmesg_restrict is 1" : "/dev/kmsg cannot be read"
        return Finding(
            id, title, .degraded, "\(why): an OOM kill is counted, its victim not named",
            remedy: user.isRoot
                ? "start jobs where /dev/kmsg exists and CAP_SYSLOG is held"
                : """
                run jobs as root, or let every user read the kernel log:
                  echo kernel.dmesg_restrict=0 | sudo tee /etc/sysctl.d/50-dmesg.conf && sudo sysctl --system
                """)
    }
}
