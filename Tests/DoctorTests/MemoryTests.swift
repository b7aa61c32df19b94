// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Doctor

@Suite struct MemoryTests {
    /// Raspberry Pi OS, trixie: the device tree's words stand before those of cmdline.txt.
    private func raspberryPi(_ words: String, file: String? = "boot/firmware/cmdline.txt") -> Machine {
        let machine = Machine()
        machine.mountUnified(
            own: "/user.slice/user-0.slice/session-1.scope", controllers: "cpuset cpu io pids")
        for name in machine.v2Files where name.hasPrefix("memory.") { machine.remove("cgroup/system.slice/" + name) }
        machine.write("cgroup/system.slice/memory.pressure", "")
        machine.write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
        machine.write("proc/sys/kernel/osrelease", "6.12.34+rpt-rpi-v8\n")
        machine.write("proc/cmdline", "coherent_pool=1M 8250.nr_uarts=0 \(words) root=PARTUUID=1 rootwait\n")
        if let file { machine.write(file, "console=serial0,115200 root=PARTUUID=1 rootwait\n") }
        return machine
    }

    @Test func raspberryPiWithMemoryOff() {
        let machine = raspberryPi("cgroup_disable=memory")
        let lines = machine.lines
        #expect(lines.contains("ok machine Raspberry Pi 4 Model B Rev 1.4, kernel 6.12.34+rpt-rpi-v8"))
        #expect(
            lines.contains(
                "broken memory controller switched off by cgroup_disable=memory on the kernel command line"))
        #expect(
            machine.finding("memory-controller")?.remedy == """
                add the word cgroup_enable=memory to the end of /boot/firmware/cmdline.txt, which is one line and must stay one, and reboot:
                  sed -i '1s/$/ cgroup_enable=memory/' /boot/firmware/cmdline.txt && reboot
                a kernel that is not Raspberry Pi's own (Debian's, upstream) ignores cgroup_enable=memory: there the word cgroup_disable=memory has to go
                """)
        #expect(machine.report.exitCode == 1)
        // Said once: no line for each file of the controller.
        #expect(machine.report.ids(.broken) == ["memory-controller"])
        #expect(machine.finding("memory-peak") == nil)
    }

    @Test func raspberryPiBeforeBookworm() {
        let machine = raspberryPi("", file: "boot/cmdline.txt")
        #expect(
            machine.lines.contains(
                "broken memory controller switched off: the Raspberry Pi's kernel does so by default"))
        #expect(
            machine.lines.contains(
                "sed -i '1s/$/ cgroup_enable=memory/' /boot/cmdline.txt && reboot"))
    }

    @Test func raspberryPiThatWaitsForItsReboot() {
        let machine = raspberryPi("cgroup_disable=memory")
        machine.write("boot/firmware/cmdline.txt", "rootwait cgroup_enable=memory\n")
        #expect(
            machine.lines.contains(
                "→ cgroup_enable=memory is in /boot/firmware/cmdline.txt already, but not in force: reboot"))
    }

    @Test func raspberryPiWithDebiansKernel() {
        let machine = raspberryPi("cgroup_disable=memory cgroup_enable=memory")
        #expect(
            machine.lines.contains {
                $0.hasPrefix("→ cgroup_enable=memory is on the command line already and this kernel ignores it")
            })
    }

    @Test func debianWithMemoryOff() {
        let machine = Machine()
        machine.mountUnified(own: "/", controllers: "cpuset cpu io pids")
        machine.write("proc/cmdline", "root=/dev/vda1 cgroup_disable=memory quiet\n")
        let lines = machine.lines
        #expect(
            lines.contains(
                "broken memory controller switched off by cgroup_disable=memory on the kernel command line"))
        #expect(lines.contains("→ remove cgroup_disable=memory from /etc/default/grub and reboot:"))
        #expect(
            lines.contains(
                "sed -i 's/ *cgroup_disable=memory//' /etc/default/grub && update-grub && reboot"))
        machine.remove("etc/default/grub")
        #expect(
            machine.lines.contains(
                "→ remove cgroup_disable=memory from the kernel command line in the boot loader and reboot (GRUB: /etc/default/grub, then update-grub)"
            ))
    }

    @Test func swap() {
        let machine = Machine()
        #expect(machine.lines.contains("ok swap none: a memory limit is the whole limit"))
        machine.write(
            "proc/swaps",
            """
            Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
            /dev/zram0                              partition\t2097148\t\t0\t\t100
            /var/swap                               file\t\t524284\t\t0\t\t-2

            """)
        #expect(
            machine.lines.contains(
                "ok swap 2 G of zram (zram0), 512 M on /var/swap, limited per job; a job gets none unless it asks; zram holds swapped pages in RAM, outside of any limit"
            ))
        machine.remove("cgroup/system.slice/memory.swap.max")
        #expect(machine.finding("swap")?.status == .broken)
        #expect(machine.lines.contains("swapoff -a"))
    }

    @Test func noPressure() {
        let machine = Machine()
        machine.remove("proc/pressure/memory")
        #expect(
            machine.lines.contains(
                "degraded pressure (PSI) off: how long jobs waited for memory, cpu and io is unknown"))
        #expect(
            machine.finding("pressure")?.remedy?.contains("add psi=1 to GRUB_CMDLINE_LINUX in /etc/default/grub")
                == true)
    }

    @Test func kernelLog() {
        let machine = Machine()
        machine.user = Facts.User(id: 1000, name: "ada")
        machine.canReadKernelLog = false
        machine.write("proc/sys/kernel/dmesg_restrict", "1\n")
        #expect(
            machine.lines.contains(
                "degraded kernel log kernel.dmesg_restrict is 1: an OOM kill is counted, its victim not named"))
    }
}
