// SPDX-License-Identifier: Apache-2.0
//
// What one job costs at the least: the kernel calls that our isolation, limits and accounting cannot do without, in C,
// with nothing around them. `benchmarks/launch` compares the supervisor with it.
//
//   floor JOBS         runs /bin/true JOBS times, one after the other; prints the microseconds of each
//   floor copied JOBS  the same with a PID 1 that is a copy of this process and executes nothing, as the supervisor's is
//                      a copy of one that has started before (decision 008)
//   floor init         PID 1 of one job, executed by the first
//
// It does, per job: make one cgroup per hierarchy; write memory, swap and pids limits and read them back; read what tells
// later whether an ancestor's limit was the cause; pipes, a plan in a memfd; clone3 into new PID, mount, UTS and IPC
// namespaces; execve of a static PID 1, which masks, mounts, clones the command into its cgroups, drops capabilities,
// filters system calls and executes it; an epoll that also hears OOM events; every figure of the record; the removal.
//
// It leaves out what the supervisor does but a better one need not: looking up the same thing twice, a second read to see
// the end of a short file, signals reset that are not ignored, timers nobody armed, lists of cgroups that a link count
// tells. So the ratio shows our waste, not only Swift's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void must(long result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "floor: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

// MARK: The host

// On a unified host all four are one directory.
enum { UNIFIED, MEMORY, PIDS, IO, HIERARCHIES };
static const char *const v1_names[HIERARCHIES] = {"", "memory", "pids", "blkio"};

static int is_v2;
static char base_paths[HIERARCHIES][4096];
static int bases[HIERARCHIES];
// Descriptors of the files that tell whether an ancestor's limit was reached; they outlive every job.
static int ancestors[64], ancestor_count;
static char filter[65536];
static ssize_t filter_size;

struct file { int hierarchy; const char *name; };
static const struct file *figures;
static int figure_count;
static const struct file figures_v1[] = {
    {MEMORY, "memory.max_usage_in_bytes"}, {MEMORY, "memory.oom_control"}, {MEMORY, "memory.failcnt"},
    {MEMORY, "memory.memsw.failcnt"}, {MEMORY, "memory.stat"}, {MEMORY, "memory.kmem.usage_in_bytes"},
    {UNIFIED, "cpu.stat"}, {PIDS, "pids.peak"}, {PIDS, "pids.events"},
    {IO, "blkio.throttle.io_service_bytes_recursive"}, {IO, "blkio.throttle.io_serviced_recursive"},
    {UNIFIED, "cpu.pressure"}, {UNIFIED, "io.pressure"}, {UNIFIED, "memory.pressure"},
};
static const struct file figures_v2[] = {
    {MEMORY, "memory.peak"}, {MEMORY, "memory.swap.peak"}, {MEMORY, "memory.events"}, {MEMORY, "memory.stat"},
    {UNIFIED, "cpu.stat"}, {PIDS, "pids.peak"}, {PIDS, "pids.events"}, {IO, "io.stat"},
    {UNIFIED, "cpu.pressure"}, {UNIFIED, "io.pressure"}, {UNIFIED, "memory.pressure"},
};

// The directory of our own cgroup in the hierarchy of a v1 controller, or in the v2 one for "".
static int own_cgroup(const char *controller, char *path, size_t size) {
    char line[8192], own[4096] = "", mount_point[4096] = "", options[4096];
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':') + 1, *below = strchr(names, ':');
        *below++ = 0;
        below[strcspn(below, "\n")] = 0;
        if (strcmp(names, controller) == 0) snprintf(own, sizeof own, "%s", below);
    }
    if (file) fclose(file);
    file = fopen("/proc/self/mountinfo", "re");
    while (file && fgets(line, sizeof line, file)) {
        char *type = strstr(line, " - cgroup"), point[4096];
        if (!type || mount_point[0] || sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1) continue;
        int unified = strncmp(type, " - cgroup2 ", 11) == 0;
        if (sscanf(type, " - %*s %*s %4095s", options) != 1) continue;
        char *found = strstr(options, controller);
        if (*controller ? !unified && found && found[-1] == ',' : unified)
            snprintf(mount_point, sizeof mount_point, "%s", point);
    }
    if (file) fclose(file);
    if (!own[0] || !mount_point[0]) return 0;
    snprintf(path, size, "%s%s", mount_point, strcmp(own, "/") ? own : "");
    return 1;
}

static void write_at(int directory, const char *name, const char *text) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    must(fd, name);
    must(write(fd, text, strlen(text)), name);
    close(fd);
}

static ssize_t read_at(int directory, const char *name, char *buffer, size_t size) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t count = read(fd, buffer, size);
    close(fd);
    return count;
}

static void keep_ancestors(void) {
    static const char *const v1[] = {"memory.limit_in_bytes", "memory.failcnt", "memory.memsw.failcnt"};
    static const char *const v2[] = {"memory.max", "memory.events.local"};
    char directory[4096], path[4400];
    snprintf(directory, sizeof directory, "%s", base_paths[MEMORY]);
    // The hierarchy's root has none of these files, or none that tells: there the walk ends.
    while (snprintf(path, sizeof path, "%s/../cgroup.procs", directory), access(path, F_OK) == 0) {
        for (int i = 0; i < (is_v2 ? COUNT(v2) : COUNT(v1)) && ancestor_count < COUNT(ancestors); i++) {
            snprintf(path, sizeof path, "%s/%s", directory, is_v2 ? v2[i] : v1[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0) ancestors[ancestor_count++] = fd;
        }
        *strrchr(directory, '/') = 0;
    }
}

// The supervisor's own filter, see Sources/Supervisor/SeccompFilter.swift: its length is what it costs.
static void compile_filter(void) {
    static const char *const refused[] = {
        "acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "fanotify_init",
        "finit_module", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
        "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "move_mount", "nfsservctl", "open_by_handle_at",
        "open_tree", "perf_event_open", "pivot_root", "quotactl", "quotactl_fd", "reboot", "request_key", "settimeofday",
        "stime", "swapoff", "swapon", "syslog", "uselib", "userfaultfd", "vhangup", "vm86", "vm86old",
    };
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
#ifdef __x86_64__
    seccomp_arch_add(context, SCMP_ARCH_X86);
#endif
    for (int i = 0; i < COUNT(refused); i++) {
        int number = seccomp_syscall_resolve_name(refused[i]);
        if (number != __NR_SCMP_ERROR) seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_VSOCK));
    int fd = memfd_create("filter", MFD_CLOEXEC);
    must(seccomp_export_bpf(context, fd), "compile the filter");
    filter_size = pread(fd, filter, sizeof filter, 0);
    close(fd);
    seccomp_release(context);
}

static void prepare(void) {
    char own[4096];
    is_v2 = !own_cgroup("memory", own, sizeof own);
    figures = is_v2 ? figures_v2 : figures_v1;
    figure_count = is_v2 ? COUNT(figures_v2) : COUNT(figures_v1);
    for (int i = 0; i < HIERARCHIES; i++) {
        errno = ENOENT;
        must(own_cgroup(is_v2 ? "" : v1_names[i], own, sizeof own) - 1, "find our cgroup; a v2 tree is needed");
        // With our pid, because two floors may run at once.
        int length = snprintf(base_paths[i], sizeof base_paths[i], "%.4000s", own);
        if (!is_v2) snprintf(base_paths[i] + length, sizeof base_paths[i] - length, "/jobs-floor-%d", getpid());
        if (mkdir(base_paths[i], 0755) < 0 && errno != EEXIST) must(-1, base_paths[i]);
        must(bases[i] = open(base_paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC), base_paths[i]);
    }
    if (is_v2) {
        // Controllers cannot be handed down from a cgroup that holds processes: out of the way first.
        mkdirat(bases[UNIFIED], "supervisor", 0755);
        write_at(bases[UNIFIED], "supervisor/cgroup.procs", "0");
        write_at(bases[UNIFIED], "cgroup.subtree_control", "+memory +pids +io +cpu");
    }
    keep_ancestors();
    compile_filter();
}

static void clean_up(void) {
    for (int i = 0; i < HIERARCHIES; i++)
        if (!is_v2) rmdir(base_paths[i]);
}

// MARK: clone3

#if defined(__x86_64__)
__attribute__((always_inline)) static inline long raw_clone3(struct clone_args *args, size_t size) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_clone3), "D"(args), "S"(size) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
__attribute__((always_inline)) static inline long raw_clone3(struct clone_args *args, size_t size) {
    register long x8 __asm__("x8") = SYS_clone3, x0 __asm__("x0") = (long)args, x1 __asm__("x1") = (long)size;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
}
#endif

// noinline: this frame must stay live in the parent while the child runs on the same stack.
__attribute__((noinline)) static pid_t run_child(uint64_t flags, int cgroup, int *pidfd, void (*body)(const void *),
                                                 const void *context) {
    struct clone_args args = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    long pid = raw_clone3(&args, sizeof args);
    if (pid == 0) {
        body(context);
        _exit(127);
    }
    if (pid < 0) errno = (int)-pid;
    must(pid, "clone3");
    return (pid_t)pid;
}

// MARK: The supervisor's side

// The descriptors of PID 1 from 3 on: plan, report, control, unified cgroup, cgroup.kill, cgroup.procs, tasks files.
enum { PLAN = 3, REPORT, CONTROL, CGROUP, KILL, PROCESSES, TASKS };
// The sizes of its two messages.
enum { STARTED = 40, ENDED = 72 };
struct launch { int descriptors[16]; int count; char *const *arguments; };

static int is_copied;
static int init(const char *mode);

static void become_init(const void *context) {
    const struct launch *launch = context;
    // Ours lie above the places they go to, see main.
    for (int i = 0; i < launch->count; i++) dup2(launch->descriptors[i], PLAN + i);
    syscall(SYS_close_range, PLAN + launch->count, ~0U, 0);
    if (is_copied) _exit(init(launch->arguments[2]));
    execve("/proc/self/exe", launch->arguments, environ);
}

static pid_t start_init(const int *directories, int plan, int report, int control, int *pidfd) {
    static char *arguments[] = {"floor", "init", NULL, NULL};
    struct launch launch = {.descriptors = {plan, report, control}, .count = 3, .arguments = arguments};
    launch.descriptors[launch.count++] = directories[UNIFIED];
    launch.descriptors[launch.count++] = openat(directories[UNIFIED], "cgroup.kill", O_WRONLY | O_CLOEXEC);
    launch.descriptors[launch.count++] = openat(directories[UNIFIED], "cgroup.procs", O_RDONLY | O_CLOEXEC);
    for (int i = MEMORY; i < HIERARCHIES && !is_v2; i++)
        launch.descriptors[launch.count++] = openat(directories[i], "tasks", O_WRONLY | O_CLOEXEC);
    arguments[2] = is_v2 ? "unified" : "hybrid";
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    uint64_t namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
    pid_t pid = run_child(namespaces | (is_copied ? 0 : CLONE_VM | CLONE_VFORK), -1, pidfd, become_init, &launch);
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; i < launch.count; i++)
        if (launch.descriptors[i] != directories[UNIFIED]) close(launch.descriptors[i]);
    return pid;
}

static void set_limits(const int *directories) {
    static const struct { int hierarchy; const char *name, *value; } v1[] = {
        {MEMORY, "memory.limit_in_bytes", "104857600"}, {MEMORY, "memory.memsw.limit_in_bytes", "104857600"},
        {PIDS, "pids.max", "64"},
    }, v2[] = {
        {MEMORY, "memory.oom.group", "1"}, {MEMORY, "memory.swap.max", "0"}, {MEMORY, "memory.max", "104857600"},
        {PIDS, "pids.max", "64"},
    };
    char buffer[64];
    for (int i = 0; i < (is_v2 ? COUNT(v2) : COUNT(v1)); i++) {
        int directory = directories[is_v2 ? v2[i].hierarchy : v1[i].hierarchy];
        const char *name = is_v2 ? v2[i].name : v1[i].name;
        write_at(directory, name, is_v2 ? v2[i].value : v1[i].value);
        read_at(directory, name, buffer, sizeof buffer);
    }
}

static int watch_oom(const int *directories, const char *name) {
    char text[8192];
    if (is_v2) {
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        snprintf(text, sizeof text, "%s/%s/memory.events", base_paths[MEMORY], name);
        must(inotify_add_watch(fd, text, IN_MODIFY), "watch memory.events");
        return fd;
    }
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int control = openat(directories[MEMORY], "memory.oom_control", O_RDONLY | O_CLOEXEC);
    snprintf(text, sizeof text, "%d %d", fd, control);
    write_at(directories[MEMORY], "cgroup.event_control", text);
    close(control);
    return fd;
}

static void listen_to(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void run_job(int epoll, int sequence) {
    char name[64], buffer[16384];
    struct stat status;
    int directories[HIERARCHIES] = {-1, -1, -1, -1}, report[2], control[2], pidfd;
    snprintf(name, sizeof name, "run-%d-%d", getpid(), sequence);
    for (int i = 0; i < (is_v2 ? 1 : HIERARCHIES); i++) {
        must(mkdirat(bases[i], name, 0755), "make a cgroup");
        must(directories[i] = openat(bases[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the cgroup");
    }
    if (is_v2) directories[MEMORY] = directories[PIDS] = directories[IO] = directories[UNIFIED];
    set_limits(directories);
    for (int i = 0; i < ancestor_count; i++) pread(ancestors[i], buffer, sizeof buffer, 0);
    // The link count of a cgroup says how many jobs are beside ours.
    fstat(bases[MEMORY], &status);

    must(pipe2(report, O_CLOEXEC), "make a pipe");
    must(pipe2(control, O_CLOEXEC), "make a pipe");
    int plan = memfd_create("plan", MFD_CLOEXEC);
    must(write(plan, filter, filter_size), "write the plan");
    pid_t pid = start_init(directories, plan, report[1], control[0], &pidfd);
    listen_to(epoll, report[0]);
    listen_to(epoll, pidfd);
    int oom = watch_oom(directories, name);
    listen_to(epoll, oom);

    // Both may have come before we look.
    struct epoll_event event;
    for (ssize_t heard = 0, count; heard < STARTED + ENDED; heard += count) {
        must(epoll_wait(epoll, &event, 1, -1), "wait");
        count = event.data.fd == report[0] ? read(report[0], buffer, sizeof buffer) : 0;
        if (count <= 0) {
            fprintf(stderr, "floor: PID 1 failed\n");
            exit(1);
        }
    }
    for (int i = 0; i < figure_count; i++)
        read_at(directories[figures[i].hierarchy], figures[i].name, buffer, sizeof buffer);
    // Sub-cgroups of the job's own would have to be added up.
    fstat(directories[MEMORY], &status);
    close(control[1]);
    fstat(bases[MEMORY], &status);
    for (int i = 0; i < (is_v2 ? 1 : HIERARCHIES); i++)
        must(unlinkat(bases[i], name, AT_REMOVEDIR), "remove the cgroup");
    waitpid(pid, NULL, 0);
    close(report[0]);
    close(pidfd);
    close(oom);
    for (int i = 0; i < (is_v2 ? 1 : HIERARCHIES); i++) close(directories[i]);
}

// MARK: PID 1

static void try_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    if (mount(source, target, type, flags, data) < 0 && errno != ENOENT && errno != ENOTDIR) must(-1, target);
}

static void hide_directory(const char *path) {
    if (mount("/proc/tty/ldisc", path, NULL, MS_BIND, NULL) == 0) return;
    try_mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=1");
}

static void build_surroundings(void) {
    static const char *const files[] = {"/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                                        "/proc/sched_debug"};
    static const char *const hidden[] = {"/proc/acpi", "/proc/asound", "/proc/scsi"};
    static const char *const frozen[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    must(sethostname("true", 4), "set the host name");
    must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
    must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount /proc");
    for (int i = 0; i < COUNT(files); i++) try_mount("/dev/null", files[i], NULL, MS_BIND, NULL);
    for (int i = 0; i < COUNT(hidden); i++) hide_directory(hidden[i]);
    for (int i = 0; i < COUNT(frozen); i++) {
        if (mount(frozen[i], frozen[i], NULL, MS_BIND | MS_REC, NULL) < 0) continue;
        unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        must(mount("none", frozen[i], NULL, flags, NULL), frozen[i]);
    }
    try_mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    try_mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    hide_directory("/sys/firmware");
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    must(syscall(SYS_mount_setattr, AT_FDCWD, "/sys", AT_RECURSIVE, &attributes, sizeof attributes), "freeze /sys");
}

struct command { int task_count; const struct sock_fprog *filter; };

static void become_command(const void *context) {
    const struct command *command = context;
    for (int i = 0; i < command->task_count; i++) must(write(TASKS + i, "0", 1), "enter the cgroup");
    setsid();
    write_at(AT_FDCWD, "/proc/self/oom_score_adj", "0");
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability) == 0; capability++) {}
    must(chdir("/"), "chdir");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0};
    must(syscall(SYS_capset, &header, none), "drop capabilities");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, command->filter), "filter system calls");
    sigset_t empty;
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    execve("/bin/true", (char *[]){"/bin/true", NULL}, environ);
}

static int init(const char *mode) {
    struct sock_fprog program = {.filter = (void *)filter};
    program.len = pread(PLAN, filter, sizeof filter, 0) / sizeof(struct sock_filter);
    close(PLAN);
    setsid();
    prctl(PR_SET_DUMPABLE, 0);
    sigset_t signals;
    sigemptyset(&signals);
    const int ours[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    for (int i = 0; i < COUNT(ours); i++) sigaddset(&signals, ours[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int queue = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    build_surroundings();

    struct command command = {strcmp(mode, "hybrid") == 0 ? HIERARCHIES - MEMORY : 0, &program};
    run_child(CLONE_VM | CLONE_VFORK, CGROUP, NULL, become_command, &command);
    char message[ENDED] = {0};
    must(write(REPORT, message, STARTED), "report");
    for (int fd = 0; fd < 3; fd++) close(fd);
    struct pollfd polls[] = {{.fd = queue, .events = POLLIN}, {.fd = CONTROL, .events = POLLIN}};
    poll(polls, 2, -1);
    struct signalfd_siginfo news;
    must(read(queue, &news, sizeof news), "read the signal");
    int status;
    while (waitpid(-1, &status, WNOHANG) > 0) {}
    // ECHILD: nobody is left in the namespace, so there is nobody to kill either.
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    must(write(REPORT, message, ENDED), "report");
    while (read(CONTROL, message, sizeof message) > 0) {}
    return 0;
}

int main(int count, char **arguments) {
    if (count > 2 && strcmp(arguments[1], "init") == 0) return init(arguments[2]);
    is_copied = count > 2 && strcmp(arguments[1], "copied") == 0;
    int jobs = count > 1 + is_copied ? atoi(arguments[1 + is_copied]) : 0;
    if (jobs < 1) {
        fprintf(stderr, "usage: floor [copied] JOBS\n");
        return 64;
    }
    // As in the supervisor: what is opened from here on lies above the descriptors that PID 1 finds.
    for (int fd = 3; fd < 16; fd++) dup2(2, fd);
    prepare();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int job = 0; job < jobs; job++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        run_job(epoll, job);
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.1f\n", (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3);
    }
    clean_up();
    return 0;
}
