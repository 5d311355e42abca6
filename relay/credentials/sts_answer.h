// SPDX-License-Identifier: Apache-2.0
// The XML that AWS STS answers AssumeRole and AssumeRoleWithWebIdentity with. Source:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
#pragma once

#include "aws/xml.h"
#include "base/error.h"
#include "credentials/provider.h"

#include <stdbool.h>

// sts_answer_read takes credentials and expiry out of the answer to `action` ("AssumeRole"), whose root may
// be NULL; `source` is left as it was. Fails (ERROR_CREDENTIALS) when the answer is not of that form, or a
// field is missing, comes twice or is malformed: it is named, never its value.
bool sts_answer_read(struct credentials_found *ret, const char *action, const struct xml_element *root,
                     struct error *error);
