// SPDX-License-Identifier: Apache-2.0
// Allocation that cannot fail: when the system has no memory left the process says so and exits with
// ERROR_INTERNAL. That is safe for a relay (whatever is not marked is published again) and spares every
// caller an untestable path.
#pragma once

#include <stddef.h>

// memory_allocate returns `count` zeroed objects of `size` bytes; free() releases them.
void *memory_allocate(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

// memory_resize changes an allocation (or NULL) to `count` objects of `size` bytes; new bytes are not
// cleared.
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));

// memory_copy_text returns a copy of a string, or NULL for NULL.
char *memory_copy_text(const char *text);

// memory_trim gives back to the system what has been freed. (malloc keeps it for the next time else.)
void memory_trim(void);

// memory_wipe overwrites a secret so that the compiler cannot leave it out. `memory` may be NULL when `size`
// is 0.
void memory_wipe(void *memory, size_t size);

// memory_free_secret wipes a string and frees it. NULL is fine.
void memory_free_secret(char *text);
