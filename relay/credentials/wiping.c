// SPDX-License-Identifier: Apache-2.0
#include "credentials/wiping.h"

#include "base/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *wiping_allocate(size_t size) {
    return memory_resize(NULL, size, 1);
}

// Not realloc, which would leave the old copy as it is.
void *wiping_resize(void *memory, size_t size) {
    void *resized = wiping_allocate(size);
    if (memory != NULL) {
        size_t before = malloc_usable_size(memory);
        memcpy(resized, memory, before < size ? before : size);
        wiping_free(memory);
    }
    return resized;
}

void wiping_free(void *memory) {
    if (memory != NULL) {
        memory_wipe(memory, malloc_usable_size(memory));
        free(memory);
    }
}
