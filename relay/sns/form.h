// SPDX-License-Identifier: Apache-2.0
// The body of a PublishBatch request in SNS's query protocol: a percent-encoded form. Entry Ids are "0" to
// "9". Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
#pragma once

#include "base/buffer.h"
#include "message/message.h"

enum { SNS_GROUP_ID_MAX = 128 };

// sns_form_begin writes what comes before the entries.
void sns_form_begin(struct buffer *form, const char *topic_arn);

// sns_form_add writes entry number `index` (from 0). `group_id` and `deduplication_id` may be NULL.
void sns_form_add(struct buffer *form, int index, const struct message *message, const char *group_id,
                  const char *deduplication_id);

// sns_form_take copies an entry that sns_form_add wrote (into this or another form, from its first byte to
// before the next entry's) as number `index`.
void sns_form_take(struct buffer *form, int index, struct slice entry);

// sns_group_id makes a MessageGroupId of any aggregate_id: as it is where SNS allows it (1 to 128 letters,
// digits and punctuation), else "sha256-" and the hexadecimal hash, which keeps equal equal and different
// different.
void sns_group_id(struct slice aggregate_id, char group_id[SNS_GROUP_ID_MAX + 1]);
