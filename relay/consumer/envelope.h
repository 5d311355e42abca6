// SPDX-License-Identifier: Apache-2.0
// What the body of an SQS message is: SNS's envelope around what was published (a JSON object with Type,
// Message, TopicArn, ...), or, with raw message delivery, what was published itself. Sources: "Parsing Amazon
// SNS message formats" and "raw message delivery" in the Amazon SNS Developer Guide.
//
// Envelopes of standard topics are signed (signature.h), those of FIFO topics are not: for them, and for
// nothing else, the queue's policy alone says who can have sent a message, and only in FIFO queues. A
// signature covers the message, but not its attributes.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "consumer/intake.h"
#include "consumer/signature.h"
#include "handle/domain_event.h"

#include <stdbool.h>

struct envelope {
    bool needs_check; // its signature must be verified before it is believed, and has not been
    struct signed_message sealed;
    struct domain_event event; // views of the envelope; so is what is sealed
    struct buffer texts;
    struct buffer json;
};

// envelope_open reads a message; envelope_free releases it, after a failure too. With `verify`, raw delivery
// is refused, so is what has no signature in a standard queue, and what is signed may not be named by
// attributes, which are not. Fails (ERROR_USAGE) with what
// is missing or wrong, in one printable line that shows nothing of the message.
bool envelope_open(struct envelope *envelope, const struct incoming *incoming, bool verify,
                   struct error *error);
void envelope_free(struct envelope *envelope);
