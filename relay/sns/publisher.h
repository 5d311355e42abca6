// SPDX-License-Identifier: Apache-2.0
// The SNS sink: packs messages into PublishBatch requests by count and by bytes, keeps many under way, and
// settles each event by what SNS said of its entry. Only an Id that SNS names in Successful counts as sent.
#pragma once

#include "base/error.h"
#include "settings/settings.h"
#include "sink/sink.h"

#include <event2/event.h>

// sns_publisher_new checks credentials, region and endpoint, of the settings and of the AWS profile; the
// first contact with AWS is the first batch.
bool sns_publisher_new(struct sink *ret, struct event_base *base, const struct settings *settings,
                       const struct sink_listener *listener, struct error *error);

// sns_publisher_free_topic frees what the publisher keeps in topic->sink_state.
void sns_publisher_free_topic(void *sink_state);
