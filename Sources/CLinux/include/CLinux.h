// SPDX-License-Identifier: Apache-2.0
// What Swift cannot say about Linux: system calls without a libc wrapper that Swift sees, kernel constants, and the few
// lines between clone3 and execve. Every function returns an errno value or a result ≥ 0, never through errno.
#ifndef CLINUX_H
#define CLINUX_H

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/types.h>

// A raw system call; a result from -4095 to -1 is a negated errno.
long clinux_syscall(long number, long a, long b, long c, long d, long e, long f);

// A process to start outside this one's memory.
struct clinux_spawn {
    int cgroup_fd;           // v2 directory to start in (CLONE_INTO_CGROUP, 5.7), or -1
    const char *path;        // executable, unless it is opened already
    int program;             // O_PATH descriptor of the executable, or -1
    char *const *argv;
    char *const *envp;
    const int *fds;          // become descriptors 0…fd_count-1; everything else is closed
    int fd_count;
};

// Starts a process with all signals blocked in it. Returns 0 and fills pid and pidfd, or an errno value with the failed
// step ("clone3" or "execve") in *step.
int clinux_spawn(const struct clinux_spawn *request, pid_t *pid, int *pidfd, const char **step);

// The descriptors become 0…count-1, everything else is closed. Returns an errno value.
int clinux_arrange(const int *fds, int count);

// clone3(CLONE_PARENT | flags): a copy of this process that is its parent's child. Returns twice, 0 in the copy, like
// fork(2); in the other the pid or a negated errno. Only for single-threaded callers.
long clinux_fork_sibling(uint64_t flags, int *pidfd);

// One message with descriptors (SCM_RIGHTS) over a socket that keeps messages whole. Sending returns an errno value,
// receiving the size or a negated errno, and a count of -1 if there was no room for the descriptors; `fds` has room for
// CLINUX_MOST_DESCRIPTORS (SCM_MAX_FD of the kernel).
enum { CLINUX_MOST_DESCRIPTORS = 253 };
int clinux_send(int socket, const void *bytes, size_t size, const int *fds, int count);
long clinux_receive(int socket, void *bytes, size_t size, int *fds, int *count);

// clone3(CLONE_VM | CLONE_VFORK | flags): runs fn(context) in a child that borrows this memory and stack until it
// execs or exits with fn's result. Charges nothing to the child's memory cgroup: faults go to the owner of the memory.
// Returns the pid or a negated errno. Only for single-threaded callers whose fn returns or execs.
long clinux_vfork(uint64_t flags, int cgroup_fd, int (*fn)(void *), void *context);

// fork without CLONE_VM, for the cases where the kernel refuses shared memory (time namespaces before 6.x).
long clinux_fork(uint64_t flags, int cgroup_fd, int (*fn)(void *), void *context);

// Every signal handled as by default; all of them blocked, or none, as a program started by a shell expects.
void clinux_reset_dispositions(void);
void clinux_set_signals_blocked(int blocked);

// Mount attributes of <linux/mount.h>, which cannot be included beside <sys/mount.h>.
struct clinux_mount_attr { uint64_t attr_set, attr_clr, propagation, userns_fd; };
enum { CLINUX_MOUNT_ATTR_RDONLY = 1, CLINUX_AT_RECURSIVE = 0x8000 };

// ioctl requests and flags that are macros with casts, which the importer drops.
int clinux_loopback_up(void);
int clinux_pty_open(int *master, int *slave);
int clinux_set_controlling_tty(int fd);
int clinux_get_winsize(int fd, uint16_t *rows, uint16_t *columns);
int clinux_set_winsize(int fd, uint16_t rows, uint16_t columns);

// Hidden without _GNU_SOURCE.
enum { CLINUX_O_PATH = 010000000 };

// Notes in fd, as a line "JOB SIGNAL", which job the thread that dies of a fault of its own had in hand, if any; then the
// process dies of that signal as it would have. In C, because a handler may do nothing that is not async-signal-safe.
void clinux_note_crashes(int fd);
// Sets the calling thread's job and returns the one before; 0 for none.
long clinux_set_job_in_hand(long job);
// For one thread of the process: a handler of its stack overflow needs another stack.
void clinux_use_alternate_stack(void);

// malloc_trim(3), whose header Swift's Glibc does not show.
void clinux_trim_memory(void);
// mallopt(3), M_ARENA_MAX.
void clinux_limit_arenas(int count);

#endif
