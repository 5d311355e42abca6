// SPDX-License-Identifier: Apache-2.0
// What check finds: findings, each about a subject (the credentials, a topic). Subjects have their place from
// the start, so that the order is the same however late an answer comes.
#pragma once

#include <stdbool.h>

enum finding_level {
    FINDING_OK,
    FINDING_NOTE,    // worth knowing; nothing has to be done
    FINDING_WARNING, // works, but not as it is meant to, or not for all
    FINDING_ERROR,   // does not work
    FINDING_LEVELS,
};

struct finding {
    struct finding *next;
    enum finding_level level;
    const char *name; // stays the same from version to version: "topic.missing"
    char *found;      // one line
    char *remedy;     // lines, to be read or pasted; NULL when there is nothing to do
};

struct subject {
    struct subject *next;
    struct findings *findings;
    char *about;
    struct finding *first;
    struct finding *last;
};

struct findings {
    struct subject *first;
    struct subject *last;
    int counts[FINDING_LEVELS];
};

struct findings *findings_new(void);
void findings_free(struct findings *findings);

// findings_subject opens a subject: behind `after`, or at the end where that is NULL.
struct subject *findings_subject(struct findings *findings, struct subject *after, const char *about);

// finding_add adds a finding, of which `name` must live on. Texts from outside may stand in it as they came:
// what is no UTF-8 becomes a question mark, a control character a space. Returns it.
struct finding *finding_add(struct subject *subject, enum finding_level level, const char *name,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

// finding_pasteable returns a text from outside that is to stand in a command or statement, unquoted or in
// quotes; or `otherwise` when it is empty or has any character in it but A-Z, a-z, 0-9 and : / . _ -
const char *finding_pasteable(const char *text, const char *otherwise);

// finding_remedy says what to do about it; may have line breaks. What stands in it may be pasted into a
// shell.
void finding_remedy(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
