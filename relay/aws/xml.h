// SPDX-License-Identifier: Apache-2.0
// A small XML document as a tree of elements: the answers of AWS's Query protocol. Attributes, comments and
// text beside elements do not count. (Answers to batches of events are read by a parser of their own,
// sns/answer.h.)
#pragma once

#include "base/slice.h"

struct xml_element {
    const char *name; // without a prefix like "sns:"
    const char *text; // of an element without elements in it; else ""
    const struct xml_element *first;
    const struct xml_element *next;
};

struct xml;

// xml_read parses a document; NULL when it is not well-formed, has a document type (and so entities), more
// than XML_ELEMENTS_MAX elements, or more than XML_DEPTH_MAX within each other. Outside data may be given as
// it came.
struct xml *xml_read(struct slice document);
void xml_free(struct xml *xml); // wipes it, as an answer may hold secrets; NULL is fine
const struct xml_element *xml_root(const struct xml *xml);

enum { XML_ELEMENTS_MAX = 20000, XML_DEPTH_MAX = 16 };

// xml_child returns the first element of that name within `parent`, xml_next the one of that name after
// `element`; NULL when there is none, or for NULL, so that calls can be chained.
const struct xml_element *xml_child(const struct xml_element *parent, const char *name);
const struct xml_element *xml_next(const struct xml_element *element);

// xml_text returns the text of the first element of that name within `parent`; "" when there is none.
const char *xml_text(const struct xml_element *parent, const char *name);
