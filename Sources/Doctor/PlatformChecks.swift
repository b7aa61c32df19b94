// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux

// What kind of machine this is: board, WSL, container.
extension Facts {
    var platformFindings: [Finding] {
        [machine, wsl, container].compactMap { $0 }
    }

    var isRaspberryPi: Bool { platform.model?.hasPrefix("Raspberry Pi") == true }

    /// Microsoft's kernels carry the name: `5.15.167.4-microsoft-standard-WSL2`, WSL 1 says `4.4.0-19041-Microsoft`.
    private var isWSL: Bool { contains(kernelRelease.lowercased(), "microsoft") }

    private var machine: Finding {
        Finding("machine", "machine", .ok, (platform.model.map { $0 + ", " } ?? "") + "kernel \(kernelRelease)")
    }

    private var wsl: Finding? {
        guard isWSL else { return nil }
        guard kernel >= KernelVersion(4, 19) else {
            return Finding(
                "wsl", "WSL", .broken, "WSL 1 imitates Linux and has no cgroups",
                remedy: "in PowerShell, with the name that `wsl --list` shows:\n  wsl --set-version NAME 2")
        }
        guard cgroups?.mode != .unified else { return Finding("wsl", "WSL", .ok, "WSL 2 with cgroup v2") }
        return Finding(
            "wsl", "WSL", .degraded, "WSL 2, where cgroup v1 is mounted beside v2",
            remedy: #"""
                in Windows, in the file %UserProfile%\.wslconfig:
                  [wsl2]
                  kernelCommandLine = cgroup_no_v1=all
                then in PowerShell:
                  wsl --shutdown
                """#)
    }

    private var container: Finding? {
        platform.container.map {
            Finding("container", "container", .ok, "in one (\($0)): its own limits hold beside those of a job")
        }
    }
}

/// Whether `part` occurs in `text`; the standard library has this only with regex support, which costs a library.
func contains(_ text: String, _ part: String) -> Bool {
    text.indices.contains { text[$0...].hasPrefix(part) }
}
