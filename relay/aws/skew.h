// SPDX-License-Identifier: Apache-2.0
// How far our clock is from AWS's. A signature holds for a few minutes around its time; when AWS refuses one
// as if that were over, and the Date of its answer shows that the clocks differ, what is sent from then on is
// signed by AWS's clock. Reads no clock. Source: the rule of the AWS SDKs; they name no page for it, but
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html lists what is tried again.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// All zero at first. A request is signed for the wall clock plus `offset_us`.
struct aws_skew {
    int64_t offset_us; // what AWS's clock shows more than ours
};

// aws_skew_explains tells whether a refused request, signed for the wall clock plus `signed_offset_us`, is to
// be signed again: its error code is one that a wrong clock brings, and by `date`, the answer's Date header
// (NULL when there is none), the time in its signature was wrong by more than four minutes. A sender does so
// once for a request; a second refusal has another cause. `unix_us` is the wall clock now. Where the offset
// in `skew` does not make up for the difference it is set anew, and a line of the log says so.
bool aws_skew_explains(struct aws_skew *skew, int64_t signed_offset_us, const char *code, const char *date,
                       int64_t unix_us);
