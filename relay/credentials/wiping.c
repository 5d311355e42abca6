// SPDX-License-Identifier: Apache-2.0
#include "credentials/wiping.h"

#include "base/memory.h"

#include <malloc.h>
#include <stdlib.h>

void *wiping_allocate(size_t size) {
    return memory_resize(NULL, size, 1);
}

void wiping_free(void *memory) {
    if (memory != NULL) {
        memory_wipe(memory, malloc_usable_size(memory));
        free(memory);
    }
}
