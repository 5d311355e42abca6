// SPDX-License-Identifier: Apache-2.0
// The status page, as the build makes it from relay/admin/page: one HTML document that asks for nothing but
// /status.json.
#pragma once

#include <stddef.h>

extern const char *const page_document;
extern const size_t page_length;

// The Content-Security-Policy that goes with it (w3.org/TR/CSP3): it names the document's script and style by
// their hashes, so that nothing else can run, whatever a text in the page may hold.
extern const char *const page_policy;
