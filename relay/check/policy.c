// SPDX-License-Identifier: Apache-2.0
#include "check/policy.h"

#include "check/condition.h"
#include "check/wildcard.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

// The parts of a statement in the order in which they are held against the request.
enum part { PART_PRINCIPAL, PART_ACTION, PART_RESOURCE, PART_CONDITION, PART_VARIABLE, PART_NONE };

struct match {
    enum truth truth;
    enum part part; // that does not match, or may not
    const cJSON *statement;
    const cJSON *condition; // the key that does not hold
};

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

typedef bool (*matches_fn)(const char *value, const struct policy_request *request);

static bool any_value(const cJSON *values, matches_fn matches, const struct policy_request *request) {
    const cJSON *value = cJSON_IsArray(values) ? values->child : values;
    bool found = false;
    while (value != NULL && !found) {
        const char *text = cJSON_GetStringValue(value);
        found = text != NULL && matches(text, request);
        value = cJSON_IsArray(values) ? value->next : NULL;
    }
    return found;
}

static bool is_everybody(const char *value, const struct policy_request *request) {
    (void)request;
    return strcmp(value, "*") == 0;
}

// Regions that have to be opted in to have a principal of their own as well.
static bool is_sns(const char *value, const struct policy_request *request) {
    char regional[128];
    snprintf(regional, sizeof regional, "sns.%s.amazonaws.com", request->topic_region);
    return strcmp(value, "*") == 0 || strcmp(value, "sns.amazonaws.com") == 0 || strcmp(value, regional) == 0;
}

static bool is_sending(const char *value, const struct policy_request *request) {
    (void)request;
    return wildcard_matches(value, "sqs:SendMessage", true);
}

static bool is_queue(const char *value, const struct policy_request *request) {
    return wildcard_matches(value, request->queue_arn, false);
}

// "*", {"AWS": ...}, {"Service": ...}
static bool principal_matches(const cJSON *principal, const struct policy_request *request) {
    if (!cJSON_IsObject(principal)) {
        return any_value(principal, is_everybody, request);
    }
    return any_value(member(principal, "Service"), is_sns, request) ||
           any_value(member(principal, "AWS"), is_everybody, request);
}

// An element, or its opposite: Action, NotAction. Without either it says nothing against it.
static bool element_matches(const cJSON *statement, const char *name, const char *opposite,
                            matches_fn matches, const struct policy_request *request) {
    const cJSON *element = member(statement, name);
    const cJSON *other = member(statement, opposite);
    if (element != NULL) {
        return any_value(element, matches, request);
    }
    return other == NULL || !any_value(other, matches, request);
}

static bool statement_principal(const cJSON *statement, const struct policy_request *request) {
    const cJSON *principal = member(statement, "Principal");
    const cJSON *other = member(statement, "NotPrincipal");
    return principal != NULL ? principal_matches(principal, request)
                             : other != NULL && !principal_matches(other, request);
}

static bool has_variable(const char *value, const struct policy_request *request) {
    (void)request;
    return strstr(value, "${") != NULL;
}

// A variable stands for something that is not known here, so that what has one may match all the same.
static enum truth statement_resource(const cJSON *statement, const struct policy_request *request) {
    const cJSON *resource = member(statement, "Resource");
    const cJSON *named = resource != NULL ? resource : member(statement, "NotResource");
    if (named == NULL) {
        return TRUTH_YES;
    }
    if (any_value(named, is_queue, request)) {
        return resource != NULL ? TRUTH_YES : TRUTH_NO;
    }
    if (any_value(named, has_variable, request)) {
        return TRUTH_MAYBE;
    }
    return resource != NULL ? TRUTH_NO : TRUTH_YES;
}

static struct match match_statement(const cJSON *statement, const struct policy_request *request) {
    struct match match = {.truth = TRUTH_NO, .part = PART_PRINCIPAL, .statement = statement};
    if (!statement_principal(statement, request)) {
        return match;
    }
    match.part = PART_ACTION;
    if (!element_matches(statement, "Action", "NotAction", is_sending, request)) {
        return match;
    }
    match.part = PART_RESOURCE;
    enum truth resource = statement_resource(statement, request);
    if (resource == TRUTH_NO) {
        return match;
    }
    match.truth = condition_judge(member(statement, "Condition"), request, &match.condition);
    match.part = match.truth == TRUTH_YES ? PART_NONE : PART_CONDITION;
    if (match.truth == TRUTH_YES && resource == TRUTH_MAYBE) {
        match.truth = TRUTH_MAYBE;
        match.part = PART_VARIABLE;
    }
    return match;
}

// The statement with that effect that comes closest to applying.
static struct match best_match(const cJSON *statements, const char *effect,
                               const struct policy_request *request) {
    struct match best = {.truth = TRUTH_NO};
    const cJSON *statement = cJSON_IsArray(statements) ? statements->child : statements;
    while (statement != NULL) {
        const char *its_effect = cJSON_GetStringValue(member(statement, "Effect"));
        if (its_effect != NULL && strcmp(its_effect, effect) == 0) {
            struct match match = match_statement(statement, request);
            bool better = match.truth > best.truth || (match.truth == best.truth && match.part > best.part);
            best = best.statement == NULL || better ? match : best;
        }
        statement = cJSON_IsArray(statements) ? statement->next : NULL;
    }
    return best;
}

// The statement by its Sid, where it has one.
static void describe(const struct match *match, const char *what, char reason[POLICY_REASON_SIZE]) {
    static const char *const parts[] = {
        [PART_PRINCIPAL] = "is not for SNS (Principal)",
        [PART_ACTION] = "is not for sqs:SendMessage (Action)",
        [PART_RESOURCE] = "is not for this queue (Resource)",
        [PART_CONDITION] = "has a condition",
        [PART_VARIABLE] = "has a policy variable (${...}) in its Resource",
        [PART_NONE] = "applies",
    };
    const char *sid = cJSON_GetStringValue(member(match->statement, "Sid"));
    int length = snprintf(reason, POLICY_REASON_SIZE, "%s%s%.64s%s %s", what, sid != NULL ? " \"" : "",
                          sid != NULL ? sid : "", sid != NULL ? "\"" : "", parts[match->part]);
    if (match->condition != NULL) {
        char *value = cJSON_PrintUnformatted(match->condition);
        snprintf(reason + length, POLICY_REASON_SIZE - (size_t)length, ": %.64s must be %.200s",
                 match->condition->string, value != NULL ? value : "something else");
        cJSON_free(value);
    }
}

static enum policy_verdict decide(const cJSON *statements, const struct policy_request *request,
                                  char reason[POLICY_REASON_SIZE]) {
    struct match denied = best_match(statements, "Deny", request);
    struct match allowed = best_match(statements, "Allow", request);
    if (denied.truth == TRUTH_YES) {
        describe(&denied, "the Deny statement", reason);
        return POLICY_DENIES;
    }
    if (allowed.truth == TRUTH_YES && denied.truth == TRUTH_NO) {
        return POLICY_ALLOWS;
    }
    if (allowed.truth == TRUTH_NO) {
        if (allowed.statement != NULL) {
            describe(&allowed, "its Allow statement", reason);
        }
        return POLICY_SILENT;
    }
    bool may_allow = allowed.truth == TRUTH_MAYBE;
    const struct match *unsure = may_allow ? &allowed : &denied;
    describe(unsure, may_allow ? "its Allow statement" : "its Deny statement", reason);
    return unsure->part == PART_VARIABLE ? POLICY_VARIABLE : POLICY_UNSURE;
}

enum policy_verdict policy_judge(const char *policy, const struct policy_request *request,
                                 char reason[POLICY_REASON_SIZE]) {
    snprintf(reason, POLICY_REASON_SIZE, "%s",
             policy[0] == '\0' ? "it has no policy" : "no statement allows it");
    if (policy[0] == '\0') {
        return POLICY_SILENT;
    }
    cJSON *document = cJSON_Parse(policy);
    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        snprintf(reason, POLICY_REASON_SIZE, "its policy is no JSON object");
        return POLICY_UNREADABLE;
    }
    enum policy_verdict verdict = decide(member(document, "Statement"), request, reason);
    cJSON_Delete(document);
    return verdict;
}
