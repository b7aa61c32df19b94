// SPDX-License-Identifier: Apache-2.0
#include "attack.h"
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>
#include <sys/ioctl.h>

/// The init of a job is ours and lives outside of the job's cgroup: nobody inside may act through it.
int reach_init(int argc, char **argv) {
    (void)argc, (void)argv;
    static const char *files[] = {"mem", "environ", "maps", "root", "cwd", "exe", "fd/0", "fd/1", "fd/3", "fd/4", "fd/5",
                                  "ns/mnt", "ns/pid", "ns/cgroup", "ns/user", "io", "stack", "syscall"};
    char path[64], byte;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", files[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0) continue;
        struct stat about;
        // Some are opened by anybody and read by nobody.
        if (!strncmp(files[i], "ns/", 3) ? setns(file, 0) == 0 : !fstat(file, &about) && (S_ISDIR(about.st_mode) || read(file, &byte, 1) == 1))
            OPEN("%s", path);
        close(file);
    }
    // Not oom_score_adj: raised, it makes a machine without memory end this job first, which only this job is hurt by.
    static const char *writable[] = {"mem", "clear_refs", "comm", "timerslack_ns", "setgroups", "uid_map", "attr/current"};
    for (size_t i = 0; i < sizeof writable / sizeof *writable; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", writable[i]);
        int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file < 0) continue;
        if (write(file, "0", 1) == 1) OPEN("%s can be written", path);
        close(file);
    }
    if (!ptrace(PTRACE_ATTACH, 1, 0, 0)) OPEN("ptrace");
    if (!ptrace(PTRACE_SEIZE, 1, 0, 0)) OPEN("ptrace, seized");
    struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};
    if (syscall(SYS_process_vm_readv, 1, &local, 1, &remote, 1, 0) == 1) OPEN("process_vm_readv");
    long process = syscall(SYS_pidfd_open, 1, 0);
    for (int number = 0; process >= 0 && number < 16; number++) {
        if (syscall(SYS_pidfd_getfd, process, number, 0) >= 0) OPEN("pidfd_getfd %d", number);
    }
    if (process >= 0 && !syscall(SYS_setns, process, CLONE_NEWNS)) OPEN("setns by pidfd");
    if (process >= 0 && !syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0)) {
        // Sent to an init from inside of its namespace, it is dropped by the kernel (pid_namespaces(7)).
        if (syscall(SYS_pidfd_send_signal, process, 0, NULL, 0)) OPEN("init killed");
    }
    return 0;
}

static void find_kernel_files(const char *folder) {
    static const char *files[] = {"sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/vm/drop_caches", "sys/kernel/sysrq",
                                  "sysrq-trigger", "kernel/mm/ksm/run", "power/state"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file >= 0) OPEN("%s can be written", path), close(file);
    }
}

int kernel_files(int argc, char **argv) {
    (void)argc, (void)argv;
    find_kernel_files("/proc");
    find_kernel_files("/sys");
    // Each namespace as far as it can be had; /proc takes a process of the new namespace.
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)) unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET);
    pid_t child = fork();
    if (!child) {
        static const char *types[] = {"proc", "sysfs"};
        const char *where = place();
        for (int i = 0; where && i < 4; i++) {
            if (mount("none", where, types[i % 2], i < 2 ? 0 : MS_RDONLY, NULL)) continue;
            find_kernel_files(where);
            umount(where);
        }
        if (where) rmdir(where);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return 0;
}

int devices(int argc, char **argv) {
    (void)argc, (void)argv;
    static const struct {
        const char *name;
        mode_t kind;
        unsigned major, minor;
    } nodes[] = {{"mem", S_IFCHR, 1, 1}, {"port", S_IFCHR, 1, 4}, {"disk", S_IFBLK, 254, 0}, {"sda", S_IFBLK, 8, 0}, {"kmsg", S_IFCHR, 1, 11}};
    char path[64];
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        snprintf(path, sizeof path, "/dev/shm/attack-%s", nodes[i].name);
        if (!mknod(path, nodes[i].kind | 0600, makedev(nodes[i].major, nodes[i].minor))) OPEN("mknod %s", path), unlink(path);
    }
    // Types into the terminal that the job was started from, for whoever reads there next.
    for (int file = 0; file < 3; file++) {
        if (!ioctl(file, TIOCSTI, "\n")) OPEN("TIOCSTI on %d", file);
    }
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal >= 0 && !ioctl(terminal, TIOCSTI, "\n")) OPEN("TIOCSTI on /dev/tty");
    return 0;
}

int fork_bomb(int argc, char **argv) {
    (void)argc, (void)argv;
    int children = 0;
    for (pid_t child; (child = fork()) >= 0; children++) {
        if (!child) pause();
    }
    printf("%d\n", children);
    return 0;
}
