// SPDX-License-Identifier: Apache-2.0
#include "admin/routes.h"

bool readiness_read(const struct admin *admin, struct health *health) {
    const struct admin_subject *subject = &admin->subject;
    health->count = 0;
    if (subject->is_stopping(subject->context)) {
        health_add(health, "stopping", false, "what is under way is being finished");
    }
    subject->health(subject->context, health);
    return health_is_good(health);
}

void readiness_append(const struct health *health, bool only_bad, struct buffer *out) {
    for (int index = 0; index < health->count; index++) {
        const struct health_check *check = &health->checks[index];
        if (check->good && only_bad) {
            continue;
        }
        buffer_append_format(out, check->good ? "[+]%s ok%s%s\n" : "[-]%s%s%s\n", check->name,
                             check->why[0] != '\0' ? ": " : "", check->why);
    }
}
