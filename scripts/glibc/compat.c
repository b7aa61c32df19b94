// SPDX-License-Identifier: Apache-2.0
// What the executables use of glibc and glibc 2.31 has not: see stubs. It is linked into them, so they use it everywhere.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pty.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The start. crt1.o of 2.34 and later leaves the constructors to libc, and an older libc leaves them to the executable.
// So they are run here, as crt1.o of old did; a new libc does not run them again, as for any old executable.
// The linker sends crt1.o's call here: --wrap.

extern void (*__preinit_array_start[])(int, char **, char **) __attribute__((visibility("hidden")));
extern void (*__preinit_array_end[])(int, char **, char **) __attribute__((visibility("hidden")));
extern void (*__init_array_start[])(int, char **, char **) __attribute__((visibility("hidden")));
extern void (*__init_array_end[])(int, char **, char **) __attribute__((visibility("hidden")));
extern void _init(void);

static void initialize(int argc, char **argv, char **environment) {
    size_t count = (size_t)(__preinit_array_end - __preinit_array_start);
    for (size_t index = 0; index < count; index++) { __preinit_array_start[index](argc, argv, environment); }
    _init();
    count = (size_t)(__init_array_end - __init_array_start);
    for (size_t index = 0; index < count; index++) { __init_array_start[index](argc, argv, environment); }
}

typedef int Main(int, char **, char **);
typedef void Initialize(int, char **, char **);
int __real___libc_start_main(Main *, int, char **, Initialize *, void (*)(void), void (*)(void), void *);
int __wrap___libc_start_main(Main *, int, char **, Initialize *, void (*)(void), void (*)(void), void *);

int __wrap___libc_start_main(
    Main *main, int argc, char **argv, Initialize *none, void (*finish)(void), void (*finish_loader)(void),
    void *stack_end)
{
    (void)none;
    return __real___libc_start_main(main, argc, argv, initialize, finish, finish_loader, stack_end);
}

// stat and its sisters are functions since 2.33. On 64-bit machines glibc's struct stat is the kernel's.

_Static_assert(sizeof(long) == 8, "struct stat is the kernel's on 64-bit machines only");

int fstatat(int directory, const char *restrict path, struct stat *restrict out, int flags) {
    return (int)syscall(SYS_newfstatat, directory, path, out, flags);
}
int stat(const char *restrict path, struct stat *restrict out) { return fstatat(AT_FDCWD, path, out, 0); }
int lstat(const char *restrict path, struct stat *restrict out) {
    return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}
int fstat(int file, struct stat *out) { return (int)syscall(SYS_fstat, file, out); }

int fstatat64(int, const char *restrict, struct stat64 *restrict, int) __attribute__((alias("fstatat")));
int stat64(const char *restrict, struct stat64 *restrict) __attribute__((alias("stat")));
int lstat64(const char *restrict, struct stat64 *restrict) __attribute__((alias("lstat")));
int fstat64(int, struct stat64 *) __attribute__((alias("fstat")));

// 2.32: true lets libstdc++ count references without atomic operations.
char __libc_single_threaded = 0;

// 2.34 moved it to libc from libutil.
int openpty(int *controller, int *terminal, char *name, const struct termios *settings, const struct winsize *size) {
    char path[64];
    int one = posix_openpt(O_RDWR | O_NOCTTY), other = -1, reason;
    if (one < 0) { return -1; }
    if (grantpt(one) != 0 || unlockpt(one) != 0 || ptsname_r(one, path, sizeof path) != 0) { goto failed; }
    other = open(path, O_RDWR | O_NOCTTY);
    if (other < 0) { goto failed; }
    if (settings != NULL && tcsetattr(other, TCSAFLUSH, settings) != 0) { goto failed; }
    if (size != NULL && ioctl(other, TIOCSWINSZ, size) != 0) { goto failed; }
    if (name != NULL) { stpcpy(name, path); }
    *controller = one;
    *terminal = other;
    return 0;
failed:
    reason = errno;
    close(one);
    if (other >= 0) { close(other); }
    errno = reason;
    return -1;
}

// 2.36. As there: from the kernel, each time, and no failure.
uint32_t arc4random(void) {
    uint32_t number;
    arc4random_buf(&number, sizeof number);
    return number;
}

void arc4random_buf(void *bytes, size_t count) {
    for (size_t filled = 0; filled < count;) {
        ssize_t got = getrandom((char *)bytes + filled, count - filled, 0);
        if (got < 0 && errno != EINTR) { abort(); }
        if (got > 0) { filled += (size_t)got; }
    }
}

// 2.38. What strtol and scanf are called where binary numbers of C23 are read; nothing here has any to read.
#if __GLIBC_PREREQ(2, 38)
#define CLASSIC(type, name) \
    extern type classic_##name(const char *, char **, int) __asm__(#name); \
    type __isoc23_##name(const char *text, char **end, int base) { return classic_##name(text, end, base); }
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wmissing-prototypes"
CLASSIC(long, strtol)
CLASSIC(unsigned long, strtoul)
CLASSIC(long long, strtoll)
CLASSIC(unsigned long long, strtoull)
#pragma clang diagnostic pop

extern int classic_vsscanf(const char *, const char *, va_list) __asm__("__isoc99_vsscanf");
int __isoc23_vsscanf(const char *text, const char *format, va_list list) { return classic_vsscanf(text, format, list); }
int __isoc23_sscanf(const char *text, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int count = classic_vsscanf(text, format, list);
    va_end(list);
    return count;
}
#endif

// 2.35. libgcc asks it where the unwinding table of a piece of code is.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
static int holds(struct dl_phdr_info *object, size_t size, void *argument) {
    struct dl_find_object *found = argument;
    uintptr_t code = (uintptr_t)found->dlfo_map_start, start = UINTPTR_MAX, end = 0, table = 0;
    int is_here = 0;
    (void)size;
    for (size_t index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[index];
        uintptr_t low = object->dlpi_addr + part->p_vaddr, high = low + part->p_memsz;
        if (part->p_type == PT_GNU_EH_FRAME) { table = low; }
        if (part->p_type != PT_LOAD) { continue; }
        if (low < start) { start = low; }
        if (high > end) { end = high; }
        if (code >= low && code < high) { is_here = 1; }
    }
    if (!is_here || table == 0) { return 0; }
    found->dlfo_flags = 0;
    found->dlfo_map_start = (void *)start;
    found->dlfo_map_end = (void *)end;
    found->dlfo_link_map = NULL;
    found->dlfo_eh_frame = (void *)table;
    return 1;
}

int _dl_find_object(void *code, struct dl_find_object *found) {
    found->dlfo_map_start = code;
    return dl_iterate_phdr(holds, found) == 1 ? 0 : -1;
}
#endif
