// SPDX-License-Identifier: Apache-2.0
// Sixteen bytes looked at together, so that a writer of long texts can pass over what is to stay as it is.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK_SIZE = 16 };

// A vector of the compiler's: what is done with it is done with each of its bytes. Comparing gives a
// block_marks, in which each byte has all bits or none.
typedef unsigned char block __attribute__((vector_size(BLOCK_SIZE)));
typedef signed char block_marks __attribute__((vector_size(BLOCK_SIZE)));

static inline block block_at(const void *place) {
    block bytes;
    memcpy(&bytes, place, sizeof bytes);
    return bytes;
}

static inline bool block_has_any(block_marks marks) {
    uint64_t halves[2];
    memcpy(halves, &marks, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}
