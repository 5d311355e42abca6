// SPDX-License-Identifier: Apache-2.0
// Findings as a text for people, and as one JSON document for programs:
//
//     {"findings":[{"about":…,"level":"error","name":"topic.missing","found":…,"remedy":…}],
//      "counts":{"ok":4,"note":1,"warning":0,"error":1}}
//
// `remedy` is left out where there is nothing to do; it may have line breaks.
#pragma once

#include "base/buffer.h"
#include "check/findings.h"

void report_text(const struct findings *findings, struct buffer *out);
void report_json(const struct findings *findings, struct buffer *out);
