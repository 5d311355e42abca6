// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_name.h"

#include <string.h>

// Where an identifier is copied to, and what is wrong with it.
struct copying {
    char *out;
    size_t length;
    const char *problem;
};

static void copy(struct copying *copying, char character) {
    if (copying->length < SQL_IDENTIFIER_MAX) {
        copying->out[copying->length++] = character;
    } else {
        copying->problem = "schema and function have 63 bytes each at most";
    }
}

static bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || character == '_';
}

static bool is_further(char character) {
    return is_letter(character) || (character >= '0' && character <= '9') || character == '$';
}

static const char *copy_quoted(struct copying *copying, const char *text) {
    for (text++; *text != '\0'; text++) {
        if (text[0] == '"' && text[1] == '"') {
            text++;
        } else if (*text == '"') {
            return text + 1;
        }
        copy(copying, *text);
    }
    copying->problem = "a quote is not closed";
    return text;
}

#define SPELLING "schema and function are written in lower case (a-z, 0-9, _ and $), or in \"double quotes\""

static bool is_letter_of_others(char character) {
    return (character >= 'A' && character <= 'Z') || (unsigned char)character >= 0x80;
}

static const char *copy_plain(struct copying *copying, const char *text) {
    if (!is_letter(*text)) {
        copying->problem = SPELLING;
    }
    for (; is_further(*text); text++) {
        copy(copying, *text);
    }
    if (is_letter_of_others(*text)) {
        copying->problem = SPELLING;
    }
    return text;
}

// Returns what is behind the identifier.
static const char *parse_identifier(const char *text, char out[SQL_IDENTIFIER_MAX + 1],
                                    const char **problem) {
    struct copying copying = {.out = out};
    text = *text == '"' ? copy_quoted(&copying, text) : copy_plain(&copying, text);
    out[copying.length] = '\0';
    if (copying.length == 0 && copying.problem == NULL) {
        copying.problem = "schema and function must not be empty";
    }
    *problem = copying.problem;
    return text;
}

static const char *parse(struct sql_name *name, const char *text) {
    const char *problem;
    text = parse_identifier(text, name->schema, &problem);
    if (problem != NULL) {
        return problem;
    }
    if (*text == '\0') {
        return "the schema is missing";
    }
    if (*text != '.') {
        return SPELLING ", with a dot between them";
    }
    text = parse_identifier(text + 1, name->function, &problem);
    if (problem != NULL) {
        return problem;
    }
    return *text == '\0' ? NULL : "nothing may be behind the function, neither arguments nor parentheses";
}

static char *quote(char *out, const char *identifier) {
    *out++ = '"';
    for (; *identifier != '\0'; identifier++) {
        if (*identifier == '"') {
            *out++ = '"';
        }
        *out++ = *identifier;
    }
    *out++ = '"';
    return out;
}

bool sql_name_parse(struct sql_name *name, const char *text, struct error *error) {
    const char *problem = parse(name, text);
    if (problem != NULL) {
        return error_set(error, ERROR_USAGE,
                         "function %.200s: %s; write schema.function, as in "
                         "shop.reserve_stock",
                         text, problem);
    }
    char *out = quote(name->quoted, name->schema);
    *out++ = '.';
    *quote(out, name->function) = '\0';
    return true;
}
