// SPDX-License-Identifier: Apache-2.0
#include "attack.h"

static const struct {
    const char *name;
    int (*run)(int, char **);
} attacks[] = {
    {"lift-limits", lift_limits}, {"climb", climb},     {"refused-calls", refused_calls},
    {"reach-init", reach_init},   {"devices", devices}, {"fork-bomb", fork_bomb},
    {"kernel-files", kernel_files},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof attacks / sizeof *attacks; i++) {
        if (!strcmp(argv[1], attacks[i].name)) return attacks[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "usage: attack NAME [ARGUMENT...]\n");
    return 64;
}
