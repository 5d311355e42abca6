// SPDX-License-Identifier: Apache-2.0
// The XML that AWS STS answers AssumeRole and AssumeRoleWithWebIdentity with. Source:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "credentials/provider.h"

#include <stdbool.h>

enum { STS_ANSWER_MAX = 65536 };

// sts_answer_parse reads credentials and expiry out of the answer to `action` ("AssumeRole"); `source` is
// left as it was. Fails (ERROR_CREDENTIALS) when the answer is not of that form, or a field is missing, comes
// twice or is malformed: it is named, never its value. What was copied on the way is wiped.
bool sts_answer_parse(struct credentials_found *ret, const char *action, struct slice text,
                      struct error *error);
