// SPDX-License-Identifier: Apache-2.0
// A hostile job's means, one function each. A way that is open is a line on standard output; one that is closed is silent.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// Tells that something which must be closed is open.
#define OPEN(...) (printf("open: " __VA_ARGS__), putchar('\n'), fflush(stdout))

/// A folder to mount something on; NULL if none can be made.
const char *place(void);

/// Lifts the limits of its cgroup in a hierarchy that it mounts anew, then holds `MIB` of memory.
int lift_limits(int argc, char **argv);
/// Looks in every hierarchy of the kernel, mounted anew, for a file that it may write.
int climb(int argc, char **argv);
/// Makes each system call that must be refused, by all entries that the processor has; not those that its words name.
int refused_calls(int argc, char **argv);
/// Reaches for its init, and through it for the host.
int reach_init(int argc, char **argv);
/// Mounts the files of the kernel anew, with nothing hidden, and looks for some that it may write.
int kernel_files(int argc, char **argv);
/// Makes devices and types into terminals.
int devices(int argc, char **argv);
/// Forks until it may not, and leaves all of them behind.
int fork_bomb(int argc, char **argv);
