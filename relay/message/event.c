// SPDX-License-Identifier: Apache-2.0
#include "message/event.h"

void event_id_text(const struct outbox_event *event, char text[EVENT_ID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *next = text;
    for (int index = 0; index < EVENT_ID_BYTES; index++) {
        if (index == 4 || index == 6 || index == 8 || index == 10) {
            *next++ = '-';
        }
        *next++ = digits[event->event_id[index] >> 4];
        *next++ = digits[event->event_id[index] & 15];
    }
    *next = '\0';
}
