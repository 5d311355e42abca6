// SPDX-License-Identifier: Apache-2.0
// The form that AWS's Query protocol (SNS, STS) sends: name=value pairs with & between them, values
// percent-encoded. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

// aws_form_begin writes "Action=...&Version=...". Neither needs encoding.
void aws_form_begin(struct buffer *form, const char *action, const char *version);

// aws_form_add writes "&name=value"; the name needs no encoding.
void aws_form_add(struct buffer *form, const char *name, struct slice value);

// aws_form_encode writes a value alone: what RFC 3986 calls unreserved as it is, all else as %XX.
void aws_form_encode(struct buffer *form, struct slice value);
