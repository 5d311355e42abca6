// SPDX-License-Identifier: Apache-2.0
// Allocation that cannot fail, and wiping of secrets; see memory.h.
#include "base/memory.h"

#include "base/error.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Nothing here may allocate, so no stdio; exit handlers are skipped for the same reason.
static _Noreturn void out_of_memory(void) {
    static const char text[] =
        "outbox-relay: out of memory; raise the memory limit or lower OUTBOX_BATCH_ROWS\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(ERROR_INTERNAL);
}

// An allocation of nothing may return NULL, which callers could not tell from a failure: ask for one byte
// then.
void *memory_allocate(size_t count, size_t size) {
    void *memory = (count == 0 || size == 0) ? calloc(1, 1) : calloc(count, size);
    if (memory == NULL) {
        out_of_memory();
    }
    return memory;
}

void *memory_resize(void *memory, size_t count, size_t size) {
    void *resized = (count == 0 || size == 0) ? realloc(memory, 1) : reallocarray(memory, count, size);
    if (resized == NULL) {
        out_of_memory();
    }
    return resized;
}

char *memory_copy_text(const char *text) {
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *copy = memory_resize(NULL, size, 1);
    memcpy(copy, text, size);
    return copy;
}

void memory_trim(void) {
    (void)malloc_trim(0);
}

void memory_wipe(void *memory, size_t size) {
    if (size > 0) {
        explicit_bzero(memory, size);
    }
}

void memory_free_secret(char *text) {
    if (text != NULL) {
        memory_wipe(text, strlen(text));
        free(text);
    }
}
