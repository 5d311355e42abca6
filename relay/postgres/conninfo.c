// SPDX-License-Identifier: Apache-2.0
#include "postgres/conninfo.h"

#include <libpq-fe.h>
#include <string.h>

// What a setting can hold without being taken for the name of a database: libpq would show that name in its
// errors.
static bool looks_like_conninfo(const char *text) {
    return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0 ||
           strchr(text, '=') != NULL;
}

// A password with an unencoded / or @ ends up, in part, as port, host or database, which libpq's errors would
// show.
static bool is_harmless(const PQconninfoOption *option) {
    if (option->val == NULL) {
        return true;
    }
    if (strcmp(option->keyword, "port") == 0) {
        return option->val[strspn(option->val, "0123456789,")] == '\0';
    }
    if (strcmp(option->keyword, "dbname") == 0) {
        return strpbrk(option->val, "@/") == NULL;
    }
    return strcmp(option->keyword, "host") != 0 || strchr(option->val, '@') == NULL;
}

static bool is_sound(const char *url) {
    // libpq's own message about a malformed URL quotes it, so it is not asked for.
    PQconninfoOption *parsed = looks_like_conninfo(url) ? PQconninfoParse(url, NULL) : NULL;
    bool sound = parsed != NULL;
    for (const PQconninfoOption *option = parsed; sound && option->keyword != NULL; option++) {
        sound = is_harmless(option);
    }
    PQconninfoFree(parsed);
    return sound;
}

bool conninfo_check(const char *conninfo, struct error *error) {
    if (*conninfo == '\0' || is_sound(conninfo)) {
        return true;
    }
    return error_set(
        error, ERROR_USAGE,
        "DATABASE_URL (not shown: it can hold a password) is no valid connection string; write "
        "postgresql://user@host:5432/name or host=... dbname=...; in a URL, percent-encode all but "
        "letters and digits of the password");
}

static bool is_identity(const char *keyword) {
    static const char *const keywords[] = {"user",    "password", "passfile",
                                           "sslcert", "sslkey",   "sslpassword"};
    for (size_t index = 0; index < sizeof keywords / sizeof keywords[0]; index++) {
        if (strcmp(keyword, keywords[index]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *text_of(const PQconninfoOption *option) {
    return option->val != NULL ? option->val : "";
}

// libpq parses into the same list of all its options each time.
bool conninfo_same_database(const char *one, const char *other) {
    PQconninfoOption *first = PQconninfoParse(one, NULL);
    PQconninfoOption *second = PQconninfoParse(other, NULL);
    bool same = first != NULL && second != NULL;
    for (int index = 0; same && first[index].keyword != NULL; index++) {
        same =
            is_identity(first[index].keyword) || strcmp(text_of(&first[index]), text_of(&second[index])) == 0;
    }
    PQconninfoFree(first);
    PQconninfoFree(second);
    return same;
}
