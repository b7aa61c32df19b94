// SPDX-License-Identifier: Apache-2.0

// The kernel's command line: which words on it matter, where it is kept, how it is changed.
extension Facts {
    private static let off = "cgroup_disable=memory"
    private static let on = "cgroup_enable=memory"

    /// Where the command line of the next boot is written down, in words that fit after "add X to".
    var commandLineHome: String {
        if isRaspberryPi { return "the one line of \(bootFile)" }
        return platform.hasGRUB
            ? "GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub," : "the kernel command line in the boot loader"
    }

    /// Bookworm moved it; a Pi that shows neither file gets the name that is right today.
    var bootFile: String { platform.bootFile ?? "/boot/firmware/cmdline.txt" }

    private var isDisabledAtBoot: Bool {
        commandLine.contains {
            $0.hasPrefix("cgroup_disable=") && $0.dropFirst(15).split(separator: ",").contains("memory")
        }
    }

    var whyNoMemory: String {
        if isDisabledAtBoot { return "switched off by \(Self.off) on the kernel command line" }
        return isRaspberryPi
            ? "switched off: the Raspberry Pi's kernel does so by default"
            : "this kernel offers none: built without CONFIG_MEMCG, or hidden by a container"
    }

    var memoryRemedy: String {
        if isRaspberryPi { return raspberryPiRemedy }
        guard isDisabledAtBoot else { return "boot a kernel with CONFIG_MEMCG, as every distribution ships" }
        if platform.hasGRUB {
            return """
                remove \(Self.off) from /etc/default/grub and reboot:
                  sudo sed -i 's/ *\(Self.off)//' /etc/default/grub && sudo update-grub && sudo reboot
                """
        }
        return """
            remove \(Self.off) from the kernel command line in the boot loader and reboot (GRUB: /etc/default/grub, then update-grub)
            """
    }

    /// The firmware puts cmdline.txt after the device tree's words, and the last word wins; but the switch that wins is
    /// Raspberry Pi's own invention (raspberrypi/linux#6439, #6980).
    private var raspberryPiRemedy: String {
        let foreign =
            "a kernel that is not Raspberry Pi's own (Debian's, upstream) ignores \(Self.on): there the word \(Self.off) has to go"
        if commandLine.contains(Self.on) {
            return """
                \(Self.on) is on the command line already and this kernel ignores it: boot Raspberry Pi's own kernel, or remove \(Self.off) from \(bootFile) or the device tree's bootargs
                """
        }
        if platform.bootFileText.split(whereSeparator: \.isWhitespace).contains(Self.on[...]) {
            return "\(Self.on) is in \(bootFile) already, but not in force: reboot\n" + foreign
        }
        return """
            add the word \(Self.on) to the end of \(bootFile), which is one line and must stay one, and reboot:
              sudo sed -i '1s/$/ \(Self.on)/' \(bootFile) && sudo reboot
            \(foreign)
            """
    }
}
