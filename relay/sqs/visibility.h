// SPDX-License-Identifier: Apache-2.0
// How long a received message stays hidden from others, as far as we can know it. Pure; times are
// clock_boot_us, as SQS does not wait for a machine that sleeps. Source:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VISIBILITY_TOTAL_US (INT64_C(12) * 60 * 60 * 1000000) // from the receive on, SQS allows no more

// visibility_seconds is a duration as SQS takes it: whole seconds, no less than what is asked for.
int visibility_seconds(int64_t us);

// visibility_since is when the messages of an answer became hidden, at the latest: SQS hides them when it
// takes them, which is after the request was sent, and a long wait may have gone by until then; the answer
// follows at once. So it is taken to have been on its way for a second, or for a quarter of the visibility
// where that is less, unless the whole request took less.
int64_t visibility_since(int64_t sent_at, int64_t answered_at, int64_t visibility_us);

// visibility_extension is for how many seconds from now a message can be hidden that is held since `since`,
// 0 when that would gain next to nothing over `deadline`, as SQS allows no more.
int visibility_extension(int64_t since, int64_t deadline, int64_t now, int seconds);

// visibility_backoff is for how many seconds a message is to be hidden that could not be handled: backoff by
// how often it was received (0: that is not known), `after_us` where the handler asks for more, and no more
// than SQS allows.
int visibility_backoff(int receive_count, int64_t base_us, int64_t max_us, int64_t after_us, int64_t since,
                       int64_t now);
