// SPDX-License-Identifier: Apache-2.0
// An allocator that wipes what it frees, for a parser of documents that hold secrets: what it copies, also
// of a document that turns out to be malformed, does not stay behind on the heap.
#pragma once

#include <stddef.h>

void *wiping_allocate(size_t size);
void wiping_free(void *memory);
