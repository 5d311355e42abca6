// SPDX-License-Identifier: Apache-2.0
// Everything is cut out of the text where it stands. A value can grow by further lines, since they stand
// behind it and are indented: they are moved up to its end.
#include "aws/ini.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define NAME_CHARACTERS                                                                                      \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"                                         \
    "_-/.%@:+\\"

enum { FIRST_CAPACITY = 64 };

// What an indented line belongs to.
enum place {
    PLACE_NOWHERE, // before the first section
    PLACE_SECTION, // its first line
    PLACE_TEXT,    // a setting with a value
    PLACE_OUTER,   // a setting without one: settings stand below it
    PLACE_IGNORED, // a setting that is passed over
};

struct reader {
    struct aws_ini *ini;
    size_t capacity;
    enum place place;
    const char *outer; // PLACE_OUTER: its name
    char *end;         // PLACE_TEXT: where the value ends
};

static void add(struct reader *reader, struct aws_ini_entry entry) {
    struct aws_ini *ini = reader->ini;
    if (ini->count == reader->capacity) {
        reader->capacity = reader->capacity == 0 ? FIRST_CAPACITY : reader->capacity * 2;
        ini->entries = memory_resize(ini->entries, reader->capacity, sizeof *ini->entries);
    }
    ini->entries[ini->count++] = entry;
}

static char *skip_blanks(char *text) {
    return text + strspn(text, BLANKS);
}

// Cuts off the blanks at the end of what begins at `start` and ends before `end`.
static void cut(const char *start, char *end) {
    while (end > start && strchr(BLANKS, end[-1]) != NULL) {
        end--;
    }
    *end = '\0';
}

static bool begins_comment(const char *text) {
    return *text == '#' || *text == ';';
}

// A comment behind a setting begins with a blank: a key may well hold a #.
static void cut_comment(char *line) {
    char *place = strpbrk(line, BLANKS);
    while (place != NULL && !begins_comment(place + 1)) {
        place = strpbrk(place + 1, BLANKS);
    }
    if (place != NULL) {
        cut(line, place);
    }
}

static void lower(char *name) {
    for (; *name != '\0'; name++) {
        *name = (char)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
    }
}

static bool is_name(const char *text) {
    return text[strspn(text, NAME_CHARACTERS)] == '\0';
}

// The functions below return the rule that the line breaks, or NULL.

static const char *split(char *line, char **name, char **value) {
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        return "a line must be [section], name = value, or a comment that begins with #";
    }
    cut(line, equals);
    if (*line == '\0') {
        return "there must be a name before the =";
    }
    lower(line);
    *name = line;
    *value = skip_blanks(equals + 1);
    return NULL;
}

static const char *read_section(struct reader *reader, char *line) {
    char *name = skip_blanks(line + 1);
    char *end = strchr(name, ']');
    if (end == NULL) {
        return "a [section] must end with ]";
    }
    const char *rest = skip_blanks(end + 1);
    if (*rest != '\0' && !begins_comment(rest)) {
        return "only a comment may follow the ] of a [section]";
    }
    cut(name, end);
    add(reader, (struct aws_ini_entry){.section = name});
    reader->place = PLACE_SECTION;
    return NULL;
}

static const char *read_setting(struct reader *reader, char *line) {
    char *name, *value;
    if (reader->place == PLACE_NOWHERE) {
        return "a [section] must come first";
    }
    cut_comment(line);
    const char *rule = split(line, &name, &value);
    if (rule != NULL) {
        return rule;
    }
    if (!is_name(name)) {
        reader->place = PLACE_IGNORED;
        return NULL;
    }
    add(reader, (struct aws_ini_entry){.outer = "", .name = name, .value = value});
    reader->place = *value == '\0' ? PLACE_OUTER : PLACE_TEXT;
    reader->outer = name;
    reader->end = value + strlen(value);
    return NULL;
}

static const char *read_inner(struct reader *reader, char *line) {
    char *name, *value;
    const char *rule = split(line, &name, &value);
    if (rule == NULL && is_name(name)) {
        add(reader, (struct aws_ini_entry){.outer = reader->outer, .name = name, .value = value});
    }
    return rule;
}

static void append_line(struct reader *reader, const char *line) {
    size_t length = strlen(line);
    *reader->end++ = '\n';
    memmove(reader->end, line, length + 1);
    reader->end += length;
}

static const char *read_indented(struct reader *reader, char *line) {
    switch (reader->place) {
    case PLACE_NOWHERE:
    case PLACE_SECTION:
        return "an indented line must follow a setting that it belongs to";
    case PLACE_OUTER:
        return read_inner(reader, line);
    case PLACE_TEXT:
        append_line(reader, line);
        break;
    case PLACE_IGNORED:
        break;
    }
    return NULL;
}

static const char *read_line(struct reader *reader, char *line) {
    char *content = skip_blanks(line);
    cut(content, content + strlen(content));
    if (*content == '\0' || begins_comment(content)) {
        return NULL;
    }
    if (content > line) {
        return read_indented(reader, content);
    }
    return *line == '[' ? read_section(reader, line) : read_setting(reader, line);
}

bool aws_ini_parse(struct aws_ini *ret, char *text, const char *path, struct error *error) {
    struct reader reader = {.ini = ret, .place = PLACE_NOWHERE};
    *ret = (struct aws_ini){0};
    if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
        text += strlen(BYTE_ORDER_MARK);
    }
    int number = 1;
    for (char *line = text; line != NULL; number++) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        const char *rule = read_line(&reader, line);
        if (rule != NULL) {
            aws_ini_free(ret);
            return error_set(error, ERROR_USAGE, "%s, line %d: %s", path, number, rule);
        }
        line = next;
    }
    return true;
}

void aws_ini_free(struct aws_ini *ini) {
    free(ini->entries);
    *ini = (struct aws_ini){0};
}
