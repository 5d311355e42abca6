// SPDX-License-Identifier: Apache-2.0
// Whether a queue's policy lets a topic send: what SQS decides when SNS delivers, found out beforehand. The
// caller is then the service sns.amazonaws.com, and the request knows the topic (aws:SourceArn), its account
// (aws:SourceAccount), that it comes by TLS (aws:SecureTransport) and from a service. What a policy asks
// beyond that is not known here, and the verdict says so. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum policy_verdict {
    POLICY_ALLOWS,
    POLICY_SILENT,     // no statement allows it
    POLICY_DENIES,     // a statement denies it
    POLICY_UNSURE,     // it depends on conditions that are not known here
    POLICY_VARIABLE,   // it depends on a policy variable in a Resource, which is not known here
    POLICY_UNREADABLE, // it is no policy
};

struct policy_request {
    const char *topic_arn;
    const char *topic_account;
    const char *topic_region;
    const char *queue_arn;
};

enum { POLICY_REASON_SIZE = 512 };

// policy_judge decides for a policy (JSON; "" is none: silent). `reason` is a part of a sentence that says
// what is in the way: which statement denies, what the one that comes closest to allowing it lacks.
enum policy_verdict policy_judge(const char *policy, const struct policy_request *request,
                                 char reason[POLICY_REASON_SIZE]);
