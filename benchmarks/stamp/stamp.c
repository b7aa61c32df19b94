// SPDX-License-Identifier: Apache-2.0
//
// The payload of `benchmarks/latency`: says when its first instruction ran.
//
//   stamp FIFO    writes CLOCK_MONOTONIC in nanoseconds, 8 bytes, into FIFO
//
// Static, so that between execve and main there is next to nothing. The clock is the machine's: a job has no time
// namespace unless it asks for one.
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    if (count != 2) return 64;
    int64_t nanoseconds = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
    int fd = open(arguments[1], O_WRONLY);
    return write(fd, &nanoseconds, sizeof nanoseconds) == sizeof nanoseconds ? 0 : 1;
}
