// SPDX-License-Identifier: Apache-2.0
// Documents as trees: what is found in them, and what is refused.
#include "aws/xml.h"
#include "base/buffer.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const char attributes[] =
    "<?xml version=\"1.0\"?>\n"
    "<sns:GetTopicAttributesResponse xmlns:sns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n"
    "  <sns:GetTopicAttributesResult>\n"
    "    <!-- nothing --><Attributes>\n"
    "      <entry><key>TopicArn</key><value>arn:aws:sns:eu-west-1:1:orders</value></entry>\n"
    "      <other>1</other>\n"
    "      <entry kind=\"x\"><key>Policy</key><value>{&quot;a&quot;:&#x3c;}<![CDATA[<&>]]></value></entry>\n"
    "    </Attributes>\n"
    "  </sns:GetTopicAttributesResult>\n"
    "</sns:GetTopicAttributesResponse>";

static void finds_elements_by_name(void **state) {
    struct xml *xml = xml_read(slice_of_text(attributes));

    (void)state;
    assert_non_null(xml);
    const struct xml_element *root = xml_root(xml);
    assert_string_equal(root->name, "GetTopicAttributesResponse");
    assert_string_equal(root->text, "");
    const struct xml_element *list = xml_child(xml_child(root, "GetTopicAttributesResult"), "Attributes");
    const struct xml_element *entry = xml_child(list, "entry");
    assert_string_equal(xml_text(entry, "key"), "TopicArn");
    assert_string_equal(xml_text(entry, "value"), "arn:aws:sns:eu-west-1:1:orders");
    entry = xml_next(entry);
    assert_string_equal(xml_text(entry, "key"), "Policy");
    assert_string_equal(xml_text(entry, "value"), "{\"a\":<}<&>");
    assert_null(xml_next(entry));
    xml_free(xml);
}

static void what_is_not_there_is_nothing(void **state) {
    struct xml *xml = xml_read(slice_of_text("<a><b/></a>"));

    (void)state;
    const struct xml_element *root = xml_root(xml);
    assert_null(xml_child(root, "c"));
    assert_null(xml_child(xml_child(root, "c"), "d"));
    assert_null(xml_next(xml_child(root, "c")));
    assert_string_equal(xml_text(root, "b"), "");
    assert_string_equal(xml_text(root, "c"), "");
    assert_string_equal(xml_text(NULL, "c"), "");
    xml_free(xml);
    xml_free(NULL);
}

static void refuses_what_is_no_document(void **state) {
    static const char *const documents[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&unknown;</a>",
        "<a>\x01</a>",
        "<a>\xff</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>",
        "{\"a\":1}",
    };

    (void)state;
    for (size_t index = 0; index < sizeof documents / sizeof documents[0]; index++) {
        if (xml_read(slice_of_text(documents[index])) != NULL) {
            fail_msg("\"%s\" is read", documents[index]);
        }
    }
    assert_null(xml_read((struct slice){NULL, 0}));
}

// `depth` elements within each other, or `count` beside each other within one.
static struct xml *read_many(int depth, int count) {
    struct buffer document;
    buffer_init(&document, 1 << 20);
    for (int index = 0; index < depth; index++) {
        buffer_append_text(&document, "<a>");
    }
    for (int index = 0; index < count; index++) {
        buffer_append_text(&document, "<b/>");
    }
    for (int index = 0; index < depth; index++) {
        buffer_append_text(&document, "</a>");
    }
    struct xml *xml = xml_read((struct slice){document.data, document.length});
    buffer_free(&document);
    return xml;
}

static void documents_are_bounded(void **state) {
    (void)state;
    struct xml *deep = read_many(XML_DEPTH_MAX, 0);
    struct xml *wide = read_many(1, XML_ELEMENTS_MAX - 1);
    assert_non_null(deep);
    assert_non_null(wide);
    xml_free(deep);
    xml_free(wide);
    assert_null(read_many(XML_DEPTH_MAX + 1, 0));
    assert_null(read_many(1, XML_ELEMENTS_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_elements_by_name),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(refuses_what_is_no_document),
        cmocka_unit_test(documents_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
