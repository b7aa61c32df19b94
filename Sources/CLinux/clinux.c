// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <net/if.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinux_mount_attr) == 32, "struct mount_attr of mount_setattr(2)");

// always_inline, also at -O0: a call frame of its own would be reused, and its return address lost, by a child that
// shares the stack.
#if defined(__x86_64__)
__attribute__((always_inline)) static inline long raw_syscall6(long n, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
__attribute__((always_inline)) static inline long raw_syscall6(long n, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "port raw_syscall6 to this architecture"
#endif

long clinux_syscall(long n, long a, long b, long c, long d, long e, long f) { return raw_syscall6(n, a, b, c, d, e, f); }

static void fill(struct clone_args *args, uint64_t flags, int cgroup_fd, int *pidfd) {
    memset(args, 0, sizeof *args);
    args->flags = flags;
    args->exit_signal = SIGCHLD;
    if (pidfd) {
        args->flags |= CLONE_PIDFD;
        args->pidfd = (uint64_t)(uintptr_t)pidfd;
    }
    if (cgroup_fd >= 0) {
        args->flags |= CLONE_INTO_CGROUP;
        args->cgroup = (uint64_t)cgroup_fd;
    }
}

// noinline: the frame that issues the system call must stay live in the parent while the child runs on the same stack.
__attribute__((noinline)) static long clone_and_run(struct clone_args *args, int (*fn)(void *), void *context) {
    long pid = raw_syscall6(SYS_clone3, (long)args, sizeof *args, 0, 0, 0, 0);
    if (pid == 0) raw_syscall6(SYS_exit_group, fn(context), 0, 0, 0, 0, 0);
    return pid;
}

long clinux_vfork(uint64_t flags, int cgroup_fd, int (*fn)(void *), void *context) {
    struct clone_args args;
    fill(&args, flags | CLONE_VM | CLONE_VFORK, cgroup_fd, NULL);
    return clone_and_run(&args, fn, context);
}

long clinux_fork(uint64_t flags, int cgroup_fd, int (*fn)(void *), void *context) {
    struct clone_args args;
    fill(&args, flags, cgroup_fd, NULL);
    return clone_and_run(&args, fn, context);
}

int clinux_arrange(const int *fds, int count) {
    // First out of the way, then into place: a source may sit where another one must go.
    int moved[count];
    for (int i = 0; i < count; i++) moved[i] = fcntl(fds[i], F_DUPFD, count);
    for (int i = 0; i < count; i++)
        if (moved[i] < 0 || dup2(moved[i], i) < 0) return errno;
    syscall(SYS_close_range, count, ~0U, 0);
    return 0;
}

long clinux_fork_sibling(uint64_t flags, int *pidfd) {
    struct clone_args args;
    fill(&args, flags | CLONE_PARENT, -1, pidfd);
    // Of a sibling it is ours, and to name one is an error.
    args.exit_signal = 0;
    return raw_syscall6(SYS_clone3, (long)&args, sizeof args, 0, 0, 0, 0);
}

struct child {
    const struct clinux_spawn *request;
    volatile int error;
};

// Async-signal-safe only: the caller may have other threads, whose locks this child has inherited.
static int spawn_child(void *context) {
    struct child *child = context;
    const struct clinux_spawn *r = child->request;
    // The program stands behind the others, and its execve closes it.
    int count = r->fd_count + (r->program >= 0);
    int fds[count];
    memcpy(fds, r->fds, r->fd_count * sizeof *fds);
    if (r->program >= 0) fds[r->fd_count] = r->program;
    child->error = clinux_arrange(fds, count);
    if (child->error) return 126;
    if (r->program >= 0) {
        fcntl(r->fd_count, F_SETFD, FD_CLOEXEC);
        syscall(SYS_execveat, r->fd_count, "", r->argv, r->envp, AT_EMPTY_PATH);
    } else {
        execve(r->path, r->argv, r->envp);
    }
    child->error = errno;
    return 127;
}

int clinux_spawn(const struct clinux_spawn *request, pid_t *pid, int *pidfd, const char **step) {
    struct child child = {request, 0};
    struct clone_args args;
    fill(&args, CLONE_VM | CLONE_VFORK, request->cgroup_fd, pidfd);
    sigset_t all, old;
    sigfillset(&all);
    // A handler of ours must not run in a child that shares our memory.
    pthread_sigmask(SIG_SETMASK, &all, &old);
    long result = clone_and_run(&args, spawn_child, &child);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (result < 0) {
        *step = "clone3";
        return (int)-result;
    }
    *pid = (pid_t)result;
    if (child.error) {
        *step = "execve";
        close(*pidfd);
        while (raw_syscall6(SYS_wait4, result, 0, 0, 0, 0, 0) == -EINTR) {}
        return child.error;
    }
    return 0;
}

void clinux_reset_dispositions(void) {
    // By system call: glibc's sigaction refuses 32 and 33, which it uses itself and which a parent may have ignored.
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } standard = {0};
    for (int signal = 1; signal <= 64; signal++) raw_syscall6(SYS_rt_sigaction, signal, (long)&standard, 0, 8, 0, 0);
}

// By system call for the same reason.
void clinux_set_signals_blocked(int blocked) {
    uint64_t mask = blocked ? ~UINT64_C(0) : 0;
    raw_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8, 0, 0);
}

int clinux_send(int socket, const void *bytes, size_t size, const int *fds, int count) {
    char control[CMSG_SPACE(sizeof(int) * CLINUX_MOST_DESCRIPTORS)];
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > CLINUX_MOST_DESCRIPTORS) return EMFILE;
    if (count > 0) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    }
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return errno;
    return 0;
}

long clinux_receive(int socket, void *bytes, size_t size, int *fds, int *count) {
    char control[CMSG_SPACE(sizeof(int) * CLINUX_MOST_DESCRIPTORS)];
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    long received;
    while ((received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
        if (errno != EINTR) return -errno;
    *count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        *count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(header), sizeof(int) * *count);
    }
    if (!(message.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) return received;
    // Our limit of open files, most likely. Half of what was sent is of no use.
    for (int i = 0; i < *count; i++) close(fds[i]);
    *count = -1;
    return received;
}

int clinux_loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    strcpy(request.ifr_name, "lo");
    int error = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
    close(fd);
    return error;
}

int clinux_pty_open(int *master, int *slave) { return openpty(master, slave, NULL, NULL, NULL) < 0 ? errno : 0; }

int clinux_set_controlling_tty(int fd) { return ioctl(fd, TIOCSCTTY, 0) < 0 ? errno : 0; }

int clinux_get_winsize(int fd, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int clinux_set_winsize(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? errno : 0;
}

void clinux_trim_memory(void) { malloc_trim(0); }

void clinux_limit_arenas(int count) { mallopt(M_ARENA_MAX, count); }

static const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
static struct sigaction before[sizeof faults / sizeof *faults];
static int crash_fd = -1;
static _Thread_local long job_in_hand;

static char *put_number(char *at, long number) {
    char digits[20];
    int count = 0;
    do digits[count++] = '0' + number % 10; while (number /= 10);
    while (count > 0) *at++ = digits[--count];
    return at;
}

static void note_crash(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (job_in_hand > 0) {
        char line[48], *end = put_number(line, job_in_hand);
        *end++ = ' ';
        end = put_number(end, signal);
        *end++ = '\n';
        // Nothing is left to be done about a failure.
        if (write(crash_fd, line, end - line) < 0) {}
    }
    // An instruction that faults does so again when this returns, now for whoever handled it before: Swift's backtraces. What
    // somebody has sent does not come again.
    if (info->si_code > 0) {
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            if (faults[i] == signal) sigaction(signal, &before[i], NULL);
    } else {
        struct sigaction die = {.sa_handler = SIG_DFL};
        sigaction(signal, &die, NULL);
        // Delivered when this returns.
        raise(signal);
    }
}

void clinux_note_crashes(int fd) {
    crash_fd = fd;
    struct sigaction action = {.sa_sigaction = note_crash, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigaction(faults[i], &action, &before[i]);
}

long clinux_set_job_in_hand(long job) {
    long previous = job_in_hand;
    job_in_hand = job;
    return previous;
}

void clinux_use_alternate_stack(void) {
    static char stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
}
