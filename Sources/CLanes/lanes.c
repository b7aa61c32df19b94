// SPDX-License-Identifier: Apache-2.0
// The hook is the one that the Swift runtime has for a global executor of one's own: include/swift/Runtime/Concurrency.h
// of Swift 6.2 and 6.3. Task.sleep does not come through it, so the daemon does not sleep that way.
#include "CLanes.h"

#include <stdatomic.h>

#define SWIFT __attribute__((swiftcall))

// Of <dispatch/dispatch.h>, which is beside the Swift compiler and not where a C compiler looks.
typedef struct dispatch_queue_s *dispatch_queue_t;
dispatch_queue_t dispatch_queue_create(const char *label, void *attributes);
void dispatch_async_f(dispatch_queue_t queue, void *context, void (*work)(void *));

typedef struct job job;
typedef struct { void *identity, *implementation; } executor;

SWIFT void swift_job_run(job *job, executor executor);
extern SWIFT void (*swift_task_enqueueGlobal_hook)(job *, void *original);

// Requests are short, and no job may block: more lanes than this would not be used.
enum { LANES = 4 };
static dispatch_queue_t lanes[LANES];
static atomic_uint turn;

static void run(void *job) { swift_job_run(job, (executor){0, 0}); }

static SWIFT void enqueue(job *job, void *original) {
    (void)original;
    dispatch_async_f(lanes[atomic_fetch_add(&turn, 1) % LANES], job, run);
}

int clanes_count(void) { return LANES; }

void clanes_ask(void (*answer)(void *), void *context) {
    for (int i = 0; i < LANES; i++) dispatch_async_f(lanes[i], context, answer);
}

__attribute__((constructor)) static void install(void) {
    for (int i = 0; i < LANES; i++) lanes[i] = dispatch_queue_create("jobsd.lane", 0);
    swift_task_enqueueGlobal_hook = enqueue;
}
