// SPDX-License-Identifier: Apache-2.0
#include "check/condition.h"

#include "check/wildcard.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <strings.h>

typedef bool (*compare_fn)(const char *pattern, const char *text);

static bool equal(const char *pattern, const char *text) {
    return strcmp(pattern, text) == 0;
}

static bool equal_whatever_case(const char *pattern, const char *text) {
    return strcasecmp(pattern, text) == 0;
}

static bool like(const char *pattern, const char *text) {
    return wildcard_matches(pattern, text, false);
}

static const struct {
    const char *name;
    compare_fn compare;
    bool negated;
} operators[] = {
    {"StringEquals", equal, false},
    {"StringNotEquals", equal, true},
    {"StringEqualsIgnoreCase", equal_whatever_case, false},
    {"StringNotEqualsIgnoreCase", equal_whatever_case, true},
    {"StringLike", like, false},
    {"StringNotLike", like, true},
    {"ArnEquals", wildcard_matches_arn, false}, // AWS: the same as ArnLike
    {"ArnNotEquals", wildcard_matches_arn, true},
    {"ArnLike", wildcard_matches_arn, false},
    {"ArnNotLike", wildcard_matches_arn, true},
    {"Bool", equal_whatever_case, false},
};

enum { OPERATORS = sizeof operators / sizeof operators[0] };

// The value of a key in the request, or NULL when it is not known. Keys are the same in any case.
static const char *value_of(const char *key, const struct policy_request *request) {
    const struct {
        const char *key;
        const char *value;
    } values[] = {
        {"aws:SourceArn", request->topic_arn},
        {"aws:SourceAccount", request->topic_account},
        {"aws:SourceOwner", request->topic_account},
        {"aws:SecureTransport", "true"},
        {"aws:PrincipalIsAWSService", "true"},
        {"aws:PrincipalServiceName", "sns.amazonaws.com"},
        {"aws:PrincipalType", "Service"},
    };
    for (size_t index = 0; index < sizeof values / sizeof values[0]; index++) {
        if (strcasecmp(key, values[index].key) == 0) {
            return values[index].value;
        }
    }
    return NULL;
}

static const char *text_of(const cJSON *value) {
    return cJSON_IsBool(value) ? (cJSON_IsTrue(value) ? "true" : "false") : cJSON_GetStringValue(value);
}

// One value or a list of them.
static bool any_matches(const cJSON *values, compare_fn compare, const char *text) {
    const cJSON *value = cJSON_IsArray(values) ? values->child : values;
    bool found = false;
    while (value != NULL && !found) {
        const char *pattern = text_of(value);
        found = pattern != NULL && compare(pattern, text);
        value = cJSON_IsArray(values) ? value->next : NULL;
    }
    return found;
}

// A variable ("${aws:username}") stands for something that is not known here.
static bool is_variable(const char *pattern, const char *text) {
    (void)text;
    return strstr(pattern, "${") != NULL;
}

static enum truth judge_key(const cJSON *values, compare_fn compare, bool negated,
                            const struct policy_request *request) {
    const char *text = value_of(values->string, request);
    if (text == NULL || compare == NULL || any_matches(values, is_variable, text)) {
        return TRUTH_MAYBE;
    }
    return any_matches(values, compare, text) != negated ? TRUTH_YES : TRUTH_NO;
}

// What is known is there, and has one value: so IfExists and ForAnyValue change nothing.
static size_t find_operator(const char *name) {
    const char *colon = strchr(name, ':');
    const char *plain = colon != NULL ? colon + 1 : name;
    size_t length = strlen(plain);
    size_t suffix = strlen("IfExists");
    if (length > suffix && strcasecmp(plain + length - suffix, "IfExists") == 0) {
        length -= suffix;
    }
    size_t index = 0;
    while (index < OPERATORS && (strlen(operators[index].name) != length ||
                                 strncasecmp(operators[index].name, plain, length) != 0)) {
        index++;
    }
    return index;
}

// The keys of one operator. One that has no keys in it is none that we know.
static enum truth judge_operator(const cJSON *by, const struct policy_request *request,
                                 const cJSON **culprit) {
    size_t index = cJSON_IsObject(by) ? find_operator(by->string) : OPERATORS;
    enum truth all = cJSON_IsObject(by) ? TRUTH_YES : TRUTH_MAYBE;
    for (const cJSON *values = cJSON_IsObject(by) ? by->child : NULL; values != NULL; values = values->next) {
        bool known = index < OPERATORS;
        enum truth one = judge_key(values, known ? operators[index].compare : NULL,
                                   known && operators[index].negated, request);
        if (one < all) {
            all = one;
            *culprit = values;
        }
    }
    return all;
}

enum truth condition_judge(const cJSON *condition, const struct policy_request *request,
                           const cJSON **culprit) {
    if (condition == NULL || !cJSON_IsObject(condition)) {
        return condition == NULL ? TRUTH_YES : TRUTH_MAYBE;
    }
    enum truth all = TRUTH_YES;
    for (const cJSON *by = condition->child; by != NULL; by = by->next) {
        const cJSON *key = NULL;
        enum truth one = judge_operator(by, request, &key);
        if (one < all) {
            all = one;
            *culprit = key;
        }
    }
    return all;
}
