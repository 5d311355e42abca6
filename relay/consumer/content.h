// SPDX-License-Identifier: Apache-2.0
// What a message says, once it is out of its envelope: an event in one of the formats of message/message.h,
// told apart by what is in it.
//
//     domain-event  an object with eventId and eventType: handed on as it stands
//     cloudevents   an object with specversion (CloudEvents 1.0, structured)
//     data          any other JSON, when the message attributes event-id and event-type say of which event
//
// An object that looks like one of the first two, but names another event than the attributes do, is the data
// of the event that they name.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "consumer/attributes.h"
#include "handle/domain_event.h"

// content_read fills `ret` but for `deliveries`, with views of `message`, of `texts` (texts.h, with room for
// message.length) and of `json`, where an event is composed that is not yet a domain-event. `identified`:
// whether the attributes may say which event it is. Fails (ERROR_USAGE) with what is missing or wrong, in
// words that hold nothing of the message.
bool content_read(struct domain_event *ret, struct slice message, const struct attributes *attributes,
                  bool identified, struct buffer *texts, struct buffer *json, struct error *error);
