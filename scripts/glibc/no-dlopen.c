// SPDX-License-Identifier: Apache-2.0
// For executables without shared libraries. A static glibc would load only libraries of its very own version, and crash
// with others, so these load none: libsystemd is what there is not, and whatever asks for it is told so.
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *path, int flags) {
    (void)path;
    (void)flags;
    return NULL;
}

char *dlerror(void) { return "this executable loads no libraries"; }
