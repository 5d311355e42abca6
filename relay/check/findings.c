// SPDX-License-Identifier: Apache-2.0
#include "check/findings.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 8192 };

struct findings *findings_new(void) {
    return memory_allocate(1, sizeof(struct findings));
}

static void free_subject(struct subject *subject) {
    while (subject->first != NULL) {
        struct finding *finding = subject->first;
        subject->first = finding->next;
        free(finding->found);
        free(finding->remedy);
        free(finding);
    }
    free(subject->about);
    free(subject);
}

void findings_free(struct findings *findings) {
    if (findings == NULL) {
        return;
    }
    while (findings->first != NULL) {
        struct subject *subject = findings->first;
        findings->first = subject->next;
        free_subject(subject);
    }
    free(findings);
}

// Control characters of a terminal, of lines, and of the direction of writing.
static bool is_control(uint32_t character, bool lines) {
    return (character < ' ' && !(lines && character == '\n')) || (character >= 0x7F && character < 0xA0) ||
           (character >= 0x2028 && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

// Makes of any bytes a text that a terminal and a JSON document can take. Never longer than before.
static void clean(char *text, bool lines) {
    size_t length = strlen(text);
    size_t written = 0;
    for (size_t place = 0; place < length;) {
        uint32_t character = 0;
        size_t taken = utf8_decode(text + place, length - place, &character);
        if (taken == 0 || is_control(character, lines)) {
            text[written++] = taken == 0 ? '?' : ' ';
            place += taken == 0 ? 1 : taken;
        } else {
            memmove(text + written, text + place, taken);
            written += taken;
            place += taken;
        }
    }
    text[written] = '\0';
}

static char *formatted(const char *format, va_list arguments, bool lines)
    __attribute__((format(printf, 1, 0)));

static char *formatted(const char *format, va_list arguments, bool lines) {
    char text[TEXT_SIZE];
    (void)vsnprintf(text, sizeof text, format, arguments);
    clean(text, lines);
    return memory_copy_text(text);
}

struct subject *findings_subject(struct findings *findings, struct subject *after, const char *about) {
    struct subject *subject = memory_allocate(1, sizeof *subject);
    struct subject *before = after != NULL ? after : findings->last;
    subject->findings = findings;
    subject->about = memory_copy_text(about);
    clean(subject->about, false);
    subject->next = before != NULL ? before->next : NULL;
    *(before != NULL ? &before->next : &findings->first) = subject;
    if (before == findings->last) {
        findings->last = subject;
    }
    return subject;
}

struct finding *finding_add(struct subject *subject, enum finding_level level, const char *name,
                            const char *format, ...) {
    struct finding *finding = memory_allocate(1, sizeof *finding);
    va_list arguments;
    va_start(arguments, format);
    finding->found = formatted(format, arguments, false);
    va_end(arguments);
    finding->level = level;
    finding->name = name;
    *(subject->last != NULL ? &subject->last->next : &subject->first) = finding;
    subject->last = finding;
    subject->findings->counts[level]++;
    return finding;
}

const char *finding_pasteable(const char *text, const char *otherwise) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:/._-";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0' ? text : otherwise;
}

void finding_remedy(struct finding *finding, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    free(finding->remedy);
    finding->remedy = formatted(format, arguments, true);
    va_end(arguments);
}
