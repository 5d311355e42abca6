// SPDX-License-Identifier: Apache-2.0
// Host names for tests: in a program that links this, getaddrinfo knows these names and no others.
//     many.test    127.0.0.1 to 127.0.0.NAMES_MANY, always in this order
//     silent.test  no answer until names_release
#pragma once

#include <stdbool.h>

enum { NAMES_MANY = 4 };

// names_asked is how often many.test was looked up, names_waiting whether silent.test is being.
int names_asked(void);
bool names_waiting(void);
void names_release(void);
