// SPDX-License-Identifier: Apache-2.0
// Any text as a queue's policy: it is judged, with a reason that is a text; and whatever it says, with one
// statement more that denies everything it does not allow.
#include "check/policy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct policy_request request = {.topic_arn = "arn:aws:sns:eu-west-1:123456789012:orders",
                                              .topic_account = "123456789012",
                                              .topic_region = "eu-west-1",
                                              .queue_arn = "arn:aws:sqs:eu-west-1:123456789012:orders"};

static enum policy_verdict judge(const char *policy) {
    char reason[POLICY_REASON_SIZE];
    memset(reason, 'x', sizeof reason);
    enum policy_verdict verdict = policy_judge(policy, &request, reason);
    if (memchr(reason, '\0', sizeof reason) == NULL) {
        abort();
    }
    return verdict;
}

// Puts the statement in front of the others, where the text is a policy with a list of them.
static char *deny_all(const char *policy) {
    static const char deny[] =
        "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"},";
    const char *list = strstr(policy, "\"Statement\":[{");
    if (list == NULL) {
        return NULL;
    }
    size_t before = (size_t)(list - policy) + strlen("\"Statement\":[");
    char *text = malloc(strlen(policy) + sizeof deny);
    memcpy(text, policy, before);
    memcpy(text + before, deny, sizeof deny - 1);
    memcpy(text + before + sizeof deny - 1, policy + before, strlen(policy) - before + 1);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char start[] = "{\"Statement\":[{";
    char *policy = strndup((const char *)data, size);
    enum policy_verdict verdict = judge(policy);
    // Only where the list is the document's own, first member.
    char *denied = strncmp(policy, start, sizeof start - 1) == 0 ? deny_all(policy) : NULL;

    if (denied != NULL && verdict != POLICY_UNREADABLE && judge(denied) != POLICY_DENIES) {
        abort();
    }
    free(denied);
    free(policy);
    return 0;
}
