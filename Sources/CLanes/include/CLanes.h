// SPDX-License-Identifier: Apache-2.0
// Where Swift's concurrency runs in a program that links this: on a few serial queues instead of libdispatch's shared
// pool. libdispatch looks after that pool once a second for as long as the process lives, and no setting turns it off; it
// does not look after the threads of serial queues. A daemon that sleeps shall sleep.
//
// Nothing has to be called: it is set up when the program is loaded, because the main function is already a job.
#ifndef CLANES_H
#define CLANES_H

// How many queues there are.
int clanes_count(void);

// Calls answer(context) once on each of them, as soon as its turn comes: those that do not answer hang.
void clanes_ask(void (*answer)(void *), void *context);

#endif
