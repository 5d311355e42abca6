// SPDX-License-Identifier: Apache-2.0
// The canonical forms that SigV4 signs, of the parts of a request as they are sent. Not for S3, whose paths
// are signed in another form. Each function appends to a buffer; look at its `overflow` at the end. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum { CANONICAL_PAIRS_MAX = 64 };

// canonical_append_path takes the path of a URL: empty and "." segments go, ".." takes the one before it
// along, and what is left is percent-encoded once more. "" is "/".
void canonical_append_path(struct buffer *buffer, const char *path);

// canonical_append_query takes what stands behind the ? of a URL, percent-encoded in any way, but a blank as
// %20 and a plus sign as %2B, since in a bare + some see the one and some the other: the pairs are encoded in
// AWS's way and sorted by name, then by value; a missing value is empty. Fails (ERROR_INTERNAL) when a % is
// not followed by two digits, or there are more pairs than allowed.
bool canonical_append_query(struct buffer *buffer, const char *query, struct error *error);

// canonical_append_value takes the value of a header: blanks and tabs around it go, several within become a
// blank.
void canonical_append_value(struct buffer *buffer, const char *value);
