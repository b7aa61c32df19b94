// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CSystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define FUNCTIONS(F)                                                                                                         \
    F(sd_bus_open_system) F(sd_bus_open_user) F(sd_bus_flush_close_unref) F(sd_bus_match_signal)                             \
    F(sd_bus_message_new_method_call) F(sd_bus_message_append) F(sd_bus_call) F(sd_bus_message_read)                         \
    F(sd_bus_message_unref) F(sd_bus_error_free) F(sd_bus_process) F(sd_bus_wait)                                            \
    F(sd_notify) F(sd_watchdog_enabled) F(sd_journal_sendv)

#define DECLARE(name) static __typeof__(name) *p_##name;
FUNCTIONS(DECLARE)

// Loaded once, by whichever thread is first: log messages come from all of them.
static int loaded;
static char problem[128];

static void load_once(void) {
    void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        loaded = -ENOENT;
        snprintf(problem, sizeof problem, "libsystemd.so.0 cannot be loaded (Debian: apt-get install libsystemd0)");
        return;
    }
#define RESOLVE(name)                                                                                                        \
    if (!(p_##name = (__typeof__(name) *)dlsym(handle, #name))) {                                                            \
        loaded = -ENOSYS;                                                                                                    \
        snprintf(problem, sizeof problem, "libsystemd.so.0 has no " #name);                                                  \
        dlclose(handle);                                                                                                     \
        return;                                                                                                              \
    }
    FUNCTIONS(RESOLVE)
}

static int load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    return loaded;
}

int csystemd_notify(const char *state) {
    int r = load();
    return r < 0 ? r : p_sd_notify(0, state);
}

uint64_t csystemd_watchdog_usec(void) {
    uint64_t usec = 0;
    return load() == 0 && p_sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

int csystemd_journal_send(const struct iovec *fields, int count) {
    int r = load();
    return r < 0 ? r : p_sd_journal_sendv(fields, count);
}

struct wait {
    char job[256];
    char result[64];
};

static int job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    (void)error;
    struct wait *wait = userdata;
    uint32_t id;
    const char *path, *unit, *result;
    if (p_sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && strcmp(path, wait->job) == 0)
        snprintf(wait->result, sizeof wait->result, "%s", result);
    return 0;
}

static int64_t now_usec(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int csystemd_start_scope(const char *name, const char *description, pid_t pid, int user, char *message, size_t size) {
    int r = load();
    if (r < 0) {
        snprintf(message, size, "%s", problem);
        return r;
    }
    const char *destination = "org.freedesktop.systemd1", *path = "/org/freedesktop/systemd1";
    const char *interface = "org.freedesktop.systemd1.Manager";
    sd_bus *bus = NULL;
    sd_bus_message *call = NULL, *reply = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    struct wait wait = {"", ""};

    r = user ? p_sd_bus_open_user(&bus) : p_sd_bus_open_system(&bus);
    if (r < 0) {
        snprintf(message, size, "the %s bus of systemd does not answer", user ? "user" : "system");
        return r;
    }
    // Before the call: the job may be done before its reply is read.
    r = p_sd_bus_match_signal(bus, NULL, destination, path, interface, "JobRemoved", job_removed, &wait);
    if (r >= 0) r = p_sd_bus_message_new_method_call(bus, &call, destination, path, interface, "StartTransientUnit");
    if (r >= 0)
        r = p_sd_bus_message_append(call, "ssa(sv)a(sa(sv))", name, "fail", 4, "Description", "s", description, "Delegate", "b",
                                    1, "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 1, (uint32_t)pid, 0);
    if (r >= 0) r = p_sd_bus_call(bus, call, 0, &error, &reply);
    const char *job = NULL;
    if (r >= 0) r = p_sd_bus_message_read(reply, "o", &job);
    if (r >= 0) {
        snprintf(wait.job, sizeof wait.job, "%s", job);
        int64_t deadline = now_usec() + 30000000;
        while (!wait.result[0]) {
            r = p_sd_bus_process(bus, NULL);
            if (r < 0) break;
            if (r > 0) continue;
            int64_t left = deadline - now_usec();
            if (left <= 0) { r = -ETIMEDOUT; break; }
            r = p_sd_bus_wait(bus, (uint64_t)left);
            if (r < 0) break;
        }
        if (r >= 0 && strcmp(wait.result, "done") != 0) r = -EIO;
    }
    if (r < 0)
        snprintf(message, size, "systemd did not start the scope %s: %s", name,
                 error.message ? error.message : wait.result[0] ? wait.result : strerror(-r));
    p_sd_bus_error_free(&error);
    if (reply) p_sd_bus_message_unref(reply);
    if (call) p_sd_bus_message_unref(call);
    p_sd_bus_flush_close_unref(bus);
    return r < 0 ? r : 0;
}
