// SPDX-License-Identifier: Apache-2.0
// The id by which AWS X-Ray follows a request, in the environment of the programs that are handlers: where
// the X-Ray SDKs look for it (Lambda Developer Guide, "Building a custom runtime").
#pragma once

// trace_begin makes the variable _X_AMZN_TRACE_ID, before there are threads. trace_set gives it a value; one
// that is too long to be an id counts as none.
void trace_begin(void);
void trace_set(const char *trace_id);
