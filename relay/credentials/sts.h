// SPDX-License-Identifier: Apache-2.0
// Asking AWS STS for a role's credentials: AssumeRole, signed with those of somebody who may, or
// AssumeRoleWithWebIdentity, with an OpenID Connect token instead of a signature. Source:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
#pragma once

#include "aws/arn.h"
#include "aws/call.h"
#include "credentials/provider.h"

// What can be done about a failure. (Whatever is transient, IDPCommunicationError included, has been tried
// again by then.)
enum sts_failure {
    STS_FAILED,
    STS_TOKEN_REFUSED, // InvalidIdentityToken: a newer token may help
};

struct sts_role {
    const char *arn;
    const char *session_name;                  // "": one is made up
    const char *external_id;                   // "": none
    int64_t duration_s;                        // 0: STS's default
    const char *web_identity_token;            // NULL: AssumeRole
    const struct aws_credentials *credentials; // of AssumeRole
};

// `found` has a source of the form "role ARN". NULL: `reason` says why, without secrets.
typedef void (*sts_done_fn)(void *context, const struct credentials_found *found, enum sts_failure failure,
                            const char *reason);

struct sts;

struct sts *sts_new(struct aws_caller *caller);
void sts_free(struct sts *sts); // once nothing is under way on the caller; NULL is fine

// sts_assume asks in `region`; one question at a time. `done` is called exactly once, later or at once.
void sts_assume(struct sts *sts, const char *region, const struct sts_role *role, sts_done_fn done,
                void *context);
