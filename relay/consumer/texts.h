// SPDX-License-Identifier: Apache-2.0
// The texts that are read out of a message, and the rules for them. They are written one behind the other
// into a buffer that never moves (texts_init), so that views of them stay valid.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "consumer/members.h"
#include "handle/domain_event.h"

enum { EVENT_TYPE_MAX = 256, EVENT_TEXT_MAX = 256 }; // bytes

// texts_init makes room for texts of `bytes` in all. buffer_free releases it.
void texts_init(struct buffer *texts, size_t bytes);

// texts_copy copies what is a text already.
struct slice texts_copy(struct buffer *texts, struct slice text);

// texts_read reads a member that must be a JSON string, or (absent or null) nothing: `ret` is empty then,
// with data NULL. Fails when it is something else, or is there twice; ERROR_USAGE, naming the member.
bool texts_read(struct buffer *texts, const struct member *member, struct slice *ret, struct error *error);

// text_event_id takes a UUID in the form 8-4-4-4-12, in any case, and writes it in lower case.
bool text_event_id(struct slice text, char ret[DOMAIN_EVENT_ID_SIZE]);

// text_event_type: words of a-z, 0-9, hyphen and underscore between dots, as in a pattern (route/pattern.h).
bool text_event_type(struct slice text);

// text_is_plain: UTF-8 of at most EVENT_TEXT_MAX bytes without control characters, so that it can be a header
// or a variable of the environment.
bool text_is_plain(struct slice text);

bool slice_equals(struct slice slice, const char *text);
