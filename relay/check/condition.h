// SPDX-License-Identifier: Apache-2.0
// The conditions of a policy's statement, held against what is known of a delivery (policy.h).
#pragma once

#include "check/policy.h"

struct cJSON;

// What can be said of a statement, or of a part of it.
enum truth { TRUTH_NO, TRUTH_MAYBE, TRUTH_YES };

// condition_judge judges a Condition element; NULL, none, is TRUTH_YES. All operators and keys must hold, one
// value of each is enough. `culprit` is set to the operator object's first key that does not hold, or is not
// known; it lives as long as the policy.
enum truth condition_judge(const struct cJSON *condition, const struct policy_request *request,
                           const struct cJSON **culprit);
