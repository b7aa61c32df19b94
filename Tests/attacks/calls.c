// SPDX-License-Identifier: Apache-2.0
#include "attack.h"

/// By the 32-bit entry and the x32 table too, where a filter that looks at the number alone sees another call.
static long call(int way, long number) {
#if defined(__x86_64__)
    long result;
    if (way == 1) {
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L) : "memory", "r8", "r9", "r10", "r11");
        return result;
    }
    if (way == 2) number |= 0x40000000;
#else
    if (way) return -ENOSYS;
#endif
    return syscall(number, 0, 0, 0, 0, 0, 0) < 0 ? -errno : 0;
}

struct wanted {
    const char *name;
    long number, number32;
};

// Arguments of zero: a call that the filter lets through answers EINVAL, EFAULT or EBADF, or does something.
static const struct wanted refused[] = {
    {"add_key", SYS_add_key, 286},
    {"bpf", SYS_bpf, 357},
    {"keyctl", SYS_keyctl, 288},
    {"io_uring_setup", SYS_io_uring_setup, 425},
    {"userfaultfd", SYS_userfaultfd, 374},
    {"perf_event_open", SYS_perf_event_open, 336},
    {"init_module", SYS_init_module, 128},
    {"kexec_load", SYS_kexec_load, 283},
    {"open_by_handle_at", SYS_open_by_handle_at, 342},
    {"request_key", SYS_request_key, 287},
    {"swapoff", SYS_swapoff, 115},
    {"syslog", SYS_syslog, 103},
};

int refused_calls(int argc, char **argv) {
    static const char *ways[] = {"", " (i386)", " (x32)"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int is_allowed = 0;
        for (int word = 1; word < argc; word++) is_allowed |= !strcmp(argv[word], refused[i].name);
        for (int way = 0; way < 3 && !is_allowed; way++) {
            // Each in a process of its own: an entry that the kernel was built without ends it.
            pid_t child = fork();
            if (!child) {
                long result = call(way, way == 1 ? refused[i].number32 : refused[i].number);
                if (result != -EPERM && result != -ENOSYS) OPEN("%s%s: %ld", refused[i].name, ways[way], result);
                _exit(0);
            }
            waitpid(child, NULL, 0);
        }
    }
    return 0;
}
