// SPDX-License-Identifier: Apache-2.0
#include "observe/health.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

// Who cuts a text may cut a character.
static void make_plain(char *text) {
    size_t taken = 0;
    for (size_t left = strlen(text); left > 0; left -= taken, text += taken) {
        uint32_t character = 0;
        taken = utf8_decode(text, left, &character);
        if (taken == 0 || character < ' ' || character == 0x7f) {
            *text = ' ';
            taken = 1;
        }
    }
}

void health_add(struct health *health, const char *name, bool good, const char *why) {
    if (health->count == HEALTH_CHECKS_MAX) {
        return;
    }
    struct health_check *check = &health->checks[health->count++];
    check->name = name;
    check->good = good;
    (void)snprintf(check->why, sizeof check->why, "%s", why != NULL ? why : "");
    make_plain(check->why);
}

bool health_is_good(const struct health *health) {
    for (int index = 0; index < health->count; index++) {
        if (!health->checks[index].good) {
            return false;
        }
    }
    return true;
}
