// SPDX-License-Identifier: Apache-2.0
#include "aws/xml.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>

// An element as it is built: what its readers see, and what they may not change.
struct node {
    struct xml_element element;
    struct node *made_before;
    struct node *last; // of those in it
    char *name;
    char *text;
};

struct xml {
    struct node *made_last;
    const struct xml_element *root;
};

struct reader {
    XML_Parser expat;
    struct xml *xml;
    struct node *open[XML_DEPTH_MAX]; // open[depth - 1] is the innermost
    int depth;
    int count;
    struct buffer text;
};

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static void adopt(struct node *parent, struct node *node) {
    if (parent->last != NULL) {
        parent->last->element.next = &node->element;
    } else {
        parent->element.first = &node->element;
    }
    parent->last = node;
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes) {
    struct reader *reader = context;
    (void)attributes;
    if (reader->depth == XML_DEPTH_MAX || reader->count == XML_ELEMENTS_MAX) {
        XML_StopParser(reader->expat, XML_FALSE);
        return;
    }
    struct node *node = memory_allocate(1, sizeof *node);
    node->name = memory_copy_text(local_name(name));
    node->element = (struct xml_element){.name = node->name, .text = ""};
    node->made_before = reader->xml->made_last;
    reader->xml->made_last = node;
    if (reader->depth == 0) {
        reader->xml->root = &node->element;
    } else {
        adopt(reader->open[reader->depth - 1], node);
    }
    reader->open[reader->depth++] = node;
    reader->count++;
    buffer_clear(&reader->text);
}

static void XMLCALL on_end(void *context, const XML_Char *name) {
    struct reader *reader = context;
    struct node *node = reader->open[--reader->depth];
    (void)name;
    if (node->last == NULL) {
        node->text = memory_copy_text(buffer_text(&reader->text));
        node->element.text = node->text;
    }
    buffer_clear(&reader->text);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int length) {
    struct reader *reader = context;
    buffer_append(&reader->text, text, (size_t)length);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset) {
    struct reader *reader = context;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    XML_StopParser(reader->expat, XML_FALSE);
}

static bool parse(struct reader *reader, struct slice document) {
    reader->expat = document.length > 0 && document.length <= INT_MAX ? XML_ParserCreate("UTF-8") : NULL;
    if (reader->expat == NULL) {
        return false;
    }
    XML_SetUserData(reader->expat, reader);
    XML_SetElementHandler(reader->expat, on_start, on_end);
    XML_SetCharacterDataHandler(reader->expat, on_text);
    XML_SetStartDoctypeDeclHandler(reader->expat, on_doctype);
    bool parsed = XML_Parse(reader->expat, document.data, (int)document.length, 1) == XML_STATUS_OK;
    XML_ParserFree(reader->expat);
    return parsed;
}

// The texts of a document are never longer than the document.
struct xml *xml_read(struct slice document) {
    struct xml *xml = memory_allocate(1, sizeof *xml);
    struct reader reader = {.xml = xml};
    buffer_init(&reader.text, document.length);
    bool parsed = parse(&reader, document);
    buffer_free_secret(&reader.text);
    if (!parsed) {
        xml_free(xml);
        xml = NULL;
    }
    return xml;
}

void xml_free(struct xml *xml) {
    if (xml == NULL) {
        return;
    }
    while (xml->made_last != NULL) {
        struct node *node = xml->made_last;
        xml->made_last = node->made_before;
        free(node->name);
        memory_free_secret(node->text);
        free(node);
    }
    free(xml);
}

const struct xml_element *xml_root(const struct xml *xml) {
    return xml->root;
}

static const struct xml_element *named(const struct xml_element *element, const char *name) {
    while (element != NULL && strcmp(element->name, name) != 0) {
        element = element->next;
    }
    return element;
}

const struct xml_element *xml_child(const struct xml_element *parent, const char *name) {
    return parent != NULL ? named(parent->first, name) : NULL;
}

const struct xml_element *xml_next(const struct xml_element *element) {
    return element != NULL ? named(element->next, element->name) : NULL;
}

const char *xml_text(const struct xml_element *parent, const char *name) {
    const struct xml_element *child = xml_child(parent, name);
    return child != NULL ? child->text : "";
}
