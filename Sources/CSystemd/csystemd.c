// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CSystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define FUNCTIONS(F)                                                                                                         \
    F(sd_bus_open_system) F(sd_bus_open_user) F(sd_bus_flush_close_unref) F(sd_bus_match_signal)                             \
    F(sd_bus_message_new_method_call) F(sd_bus_message_append) F(sd_bus_call) F(sd_bus_message_read)                         \
    F(sd_bus_message_unref) F(sd_bus_error_free) F(sd_bus_process) F(sd_bus_wait)

#define DECLARE(name) static __typeof__(name) *p_##name;
FUNCTIONS(DECLARE)

static int load(char *message, size_t size) {
    static void *library;
    if (library) return 0;
    void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(message, size, "libsystemd.so.0 cannot be loaded (Debian: apt-get install libsystemd0)");
        return -ENOENT;
    }
#define RESOLVE(name)                                                                                                        \
    if (!(p_##name = (__typeof__(name) *)dlsym(handle, #name))) {                                                            \
        snprintf(message, size, "libsystemd.so.0 has no " #name);                                                            \
        dlclose(handle);                                                                                                     \
        return -ENOSYS;                                                                                                      \
    }
    FUNCTIONS(RESOLVE)
    library = handle;
    return 0;
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
    int r = load(message, size);
    if (r < 0) return r;
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
