// SPDX-License-Identifier: Apache-2.0
// Patterns as policies of AWS have them: * is any number of characters, ? is one.
#pragma once

#include <stdbool.h>

// wildcard_matches takes time of at most the product of both lengths. `ignore_case` is for actions.
bool wildcard_matches(const char *pattern, const char *text, bool ignore_case);

// wildcard_matches_arn compares colon by colon: a * does not reach over one of the first five. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
bool wildcard_matches_arn(const char *pattern, const char *text);
