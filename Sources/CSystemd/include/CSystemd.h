// SPDX-License-Identifier: Apache-2.0
// libsystemd, loaded when it is first needed: a foreground run on a machine without systemd, or inside a delegated scope,
// should not pay 2 ms of dynamic linking for it. C because sd_bus_message_append is variadic.
#ifndef CSYSTEMD_H
#define CSYSTEMD_H

#include <stddef.h>
#include <sys/types.h>

// Starts a transient scope NAME with Delegate=yes that holds PID, on the user's manager if `user`, and waits until it
// exists. Returns 0, or a negated errno with a sentence in `message`.
int csystemd_start_scope(const char *name, const char *description, pid_t pid, int user, char *message, size_t size);

#endif
