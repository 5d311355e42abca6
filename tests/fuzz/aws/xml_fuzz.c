// SPDX-License-Identifier: Apache-2.0
// Any bytes as a document: what is read is a tree within its limits, whose texts are no longer than the
// document.
#include "aws/xml.h"

#include <stdint.h>
#include <stdlib.h>

struct seen {
    size_t elements;
    size_t bytes;
};

static void walk(const struct xml_element *element, int depth,
                 struct seen *seen) { // NOLINT(misc-no-recursion)
    for (; element != NULL; element = element->next) {
        seen->elements++;
        seen->bytes += strlen(element->text);
        if (depth > XML_DEPTH_MAX || (element->first != NULL && element->text[0] != '\0')) {
            abort();
        }
        walk(element->first, depth + 1, seen);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xml *xml = xml_read((struct slice){(const char *)data, size});
    struct seen seen = {0};

    if (xml != NULL) {
        walk(xml_root(xml), 1, &seen);
        if (xml_root(xml) == NULL || xml_root(xml)->next != NULL || seen.elements > XML_ELEMENTS_MAX ||
            seen.bytes > size) {
            abort();
        }
        (void)xml_text(xml_child(xml_root(xml), "Error"), "Code");
    }
    xml_free(xml);
    return 0;
}
