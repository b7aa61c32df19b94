// SPDX-License-Identifier: Apache-2.0
// libsystemd, loaded when it is first needed: a foreground run on a machine without systemd, or inside a delegated scope,
// should not pay 2 ms of dynamic linking for it. C because sd_bus_message_append is variadic.
#ifndef CSYSTEMD_H
#define CSYSTEMD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// Starts a transient scope NAME with Delegate=yes that holds PID, on the user's manager if `user`, and waits until it
// exists. Returns 0, or a negated errno with a sentence in `message`.
int csystemd_start_scope(const char *name, const char *description, pid_t pid, int user, char *message, size_t size);

// sd_notify(3): 1 if it was sent, 0 if nobody wants to hear, or a negated errno.
int csystemd_notify(const char *state);

// sd_watchdog_enabled(3): how often systemd wants to hear from us at the least; 0 if it does not.
uint64_t csystemd_watchdog_usec(void);

// sd_journal_sendv(3): fields are NAME=value. 0, or a negated errno.
int csystemd_journal_send(const struct iovec *fields, int count);

#endif
