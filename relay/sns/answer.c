// SPDX-License-Identifier: Apache-2.0
// expat says where elements begin and end, answer_grammar.h which place of an answer that is; here the texts
// are collected, and each member is held against the others before its entry is believed.
#include "sns/answer.h"

#include "base/memory.h"
#include "sns/answer_grammar.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { DEPTH_MAX = 16, STATUS_OK = 200 };

struct sns_answer_parser {
    XML_Parser expat;
    unsigned long salt; // of expat's hash tables; 0: it draws one for each answer
    struct sns_answer *answer;
    size_t entry_count;
    enum answer_place root;
    enum answer_place places[DEPTH_MAX + 1]; // places[depth] is where the parser is
    size_t depth;
    char text[SNS_MESSAGE_SIZE]; // of the element it is in, cut
    size_t text_length;
    struct sns_entry member; // the one being read
    unsigned member_fields;  // bit set of the places read in it
    unsigned member_ids;     // bit set of the Ids named in it; more than one is a contradiction
    bool member_bad;
    unsigned named; // bit set of all Ids named so far
};

static char printable(char character) {
    unsigned char byte = (unsigned char)character;

    return byte <= ' ' || byte == 0x7f ? ' ' : byte > 0x7f ? '?' : character;
}

// Copies what fits of `text` in printable form, without blanks around it.
static void copy_printable(char *ret, size_t size, const char *text, size_t length) {
    size_t used = 0;

    for (size_t index = 0; index < length && used < size - 1; index++) {
        char character = printable(text[index]);
        if (character != ' ' || used > 0) {
            ret[used++] = character;
        }
    }
    while (used > 0 && ret[used - 1] == ' ') {
        used--;
    }
    ret[used] = '\0';
}

static void begin_member(struct sns_answer_parser *parser) {
    parser->member = (struct sns_entry){.outcome = SNS_UNKNOWN};
    parser->member_fields = 0;
    parser->member_ids = 0;
    parser->member_bad = false;
}

static void distrust(struct sns_answer *answer, struct sns_entry *entry) {
    *entry = (struct sns_entry){.outcome = SNS_UNKNOWN, .contradictory = true};
    answer->contradictory = true;
}

static void end_member(struct sns_answer_parser *parser, enum sns_outcome outcome) {
    struct sns_answer *answer = parser->answer;
    bool bad = parser->member_bad || (outcome == SNS_SENT && parser->member.message_id[0] == '\0');

    if (parser->member_ids == 0) {
        answer->contradictory = true;
        return;
    }
    parser->member.outcome = outcome;
    for (size_t index = 0; index < parser->entry_count; index++) {
        unsigned bit = 1u << index;
        if ((parser->member_ids & bit) == 0) {
            continue;
        }
        if (bad || (parser->named & bit) != 0) {
            distrust(answer, &answer->entries[index]);
        } else {
            answer->entries[index] = parser->member;
        }
        parser->named |= bit;
    }
}

// A field that comes twice in a member leaves open which of the two is meant.
static void note_member_field(struct sns_answer_parser *parser, enum answer_place place) {
    unsigned bit = 1u << place;

    parser->member_bad = parser->member_bad || (parser->member_fields & bit) != 0;
    parser->member_fields |= bit;
}

static void end_id(struct sns_answer_parser *parser) {
    unsigned place = (unsigned)(unsigned char)parser->text[0] - '0';

    if (parser->text_length == 1 && place < parser->entry_count) {
        parser->member_ids |= 1u << place;
    } else {
        parser->member_bad = true;
    }
}

static enum sns_fault fault_of(const char *type) {
    if (strcmp(type, "Sender") == 0) {
        return SNS_FAULT_SENDER;
    }
    return strcmp(type, "Receiver") == 0 ? SNS_FAULT_RECEIVER : SNS_FAULT_UNSTATED;
}

#define COPY_TEXT(parser, target)                                                                            \
    copy_printable((target), sizeof(target), (parser)->text, (parser)->text_length)

static void end_member_field(struct sns_answer_parser *parser, enum answer_place place) {
    char word[8];

    note_member_field(parser, place);
    switch (place) {
    case ANSWER_ID:
        end_id(parser);
        break;
    case ANSWER_MESSAGE_ID:
        COPY_TEXT(parser, parser->member.message_id);
        break;
    case ANSWER_SEQUENCE_NUMBER:
        COPY_TEXT(parser, parser->member.sequence_number);
        break;
    case ANSWER_CODE:
        COPY_TEXT(parser, parser->member.code);
        break;
    case ANSWER_MESSAGE:
        COPY_TEXT(parser, parser->member.message);
        break;
    default: // ANSWER_SENDER_FAULT
        COPY_TEXT(parser, word);
        parser->member.sender_fault = strcmp(word, "true") == 0;
        break;
    }
}

static void end_place(struct sns_answer_parser *parser, enum answer_place place) {
    struct sns_answer *answer = parser->answer;
    char word[16];

    if (place >= ANSWER_ID && place <= ANSWER_SENDER_FAULT) {
        end_member_field(parser, place);
    } else if (place == ANSWER_SENT_MEMBER) {
        end_member(parser, SNS_SENT);
    } else if (place == ANSWER_FAILED_MEMBER) {
        end_member(parser, SNS_FAILED);
    } else if (place == ANSWER_REQUEST_ID) {
        COPY_TEXT(parser, answer->request_id);
    } else if (place == ANSWER_ERROR_CODE) {
        COPY_TEXT(parser, answer->code);
    } else if (place == ANSWER_ERROR_MESSAGE) {
        COPY_TEXT(parser, answer->message);
    } else if (place == ANSWER_ERROR_TYPE) {
        COPY_TEXT(parser, word);
        answer->fault = fault_of(word);
    }
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
    struct sns_answer_parser *parser = data;
    enum answer_place place = answer_place(parser->places[parser->depth], name);

    (void)attributes;
    if (parser->depth == DEPTH_MAX) {
        XML_StopParser(parser->expat, XML_FALSE);
        return;
    }
    if (parser->depth == 0) {
        parser->root = place;
    }
    if (parser->places[parser->depth] >= ANSWER_ID) {
        parser->member_bad = true; // a text with an element in it
    }
    parser->places[++parser->depth] = place;
    parser->text_length = 0;
    if (place == ANSWER_SENT_MEMBER || place == ANSWER_FAILED_MEMBER) {
        begin_member(parser);
    }
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
    struct sns_answer_parser *parser = data;

    (void)name;
    end_place(parser, parser->places[parser->depth--]);
    parser->text_length = 0;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length) {
    struct sns_answer_parser *parser = data;
    size_t room = sizeof parser->text - parser->text_length;
    size_t taken = (size_t)length < room ? (size_t)length : room;

    if (parser->places[parser->depth] >= ANSWER_ID) {
        memcpy(parser->text + parser->text_length, text, taken);
        parser->text_length += taken;
    }
}

// SNS sends no document type; one would only bring entities that grow without bound.
static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset) {
    struct sns_answer_parser *parser = data;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    XML_StopParser(parser->expat, XML_FALSE);
}

struct sns_answer_parser *sns_answer_parser_create(struct error *error) {
    struct sns_answer_parser *parser = memory_allocate(1, sizeof *parser);

    parser->expat = XML_ParserCreate("UTF-8");
    if (parser->expat == NULL) {
        error_set(error, ERROR_INTERNAL, "cannot create an XML parser: out of memory");
        free(parser);
        return NULL;
    }
    (void)!getrandom(&parser->salt, sizeof parser->salt, GRND_NONBLOCK);
    return parser;
}

void sns_answer_parser_free(struct sns_answer_parser *parser) {
    if (parser != NULL) {
        XML_ParserFree(parser->expat);
        free(parser);
    }
}

static bool parse_xml(struct sns_answer_parser *parser, const char *body, size_t length) {
    if (length == 0 || length > SNS_ANSWER_MAX || !XML_ParserReset(parser->expat, "UTF-8")) {
        return false;
    }
    XML_SetHashSalt(parser->expat, parser->salt); // forgotten by the reset
    XML_SetUserData(parser->expat, parser);
    XML_SetElementHandler(parser->expat, on_start, on_end);
    XML_SetCharacterDataHandler(parser->expat, on_text);
    XML_SetStartDoctypeDeclHandler(parser->expat, on_doctype);
    return XML_Parse(parser->expat, body, (int)length, 1) == XML_STATUS_OK;
}

// The request's own error, from what there is: a proxy's page is the only thing that says why it refused.
// What is SNS's own but broken can quote a message, and is not shown.
static void describe_body(struct sns_answer *answer, long http_status, enum answer_place root,
                          const char *body, size_t length) {
    snprintf(answer->code, sizeof answer->code, "HTTP %ld", http_status);
    answer->fault = SNS_FAULT_UNSTATED;
    copy_printable(answer->message, sizeof answer->message, body, length);
    if (answer->message[0] == '\0') {
        snprintf(answer->message, sizeof answer->message, "the body is empty");
    } else if (http_status == STATUS_OK || root == ANSWER_RESPONSE || root == ANSWER_ERROR_RESPONSE) {
        snprintf(answer->message, sizeof answer->message,
                 "the body, of %zu bytes, is no answer that SNS documents", length);
    }
}

void sns_answer_parse(struct sns_answer_parser *parser, long http_status, const char *body, size_t length,
                      size_t entry_count, struct sns_answer *ret) {
    *ret = (struct sns_answer){0};
    parser->answer = ret;
    parser->entry_count = entry_count < SNS_BATCH_MAX ? entry_count : SNS_BATCH_MAX;
    parser->root = ANSWER_SKIPPED;
    parser->places[0] = ANSWER_DOCUMENT;
    parser->depth = 0;
    parser->named = 0;

    bool is_xml = parse_xml(parser, body, length);
    ret->parsed = is_xml && http_status == STATUS_OK && parser->root == ANSWER_RESPONSE;
    if (ret->parsed) {
        return;
    }
    ret->contradictory = false;
    memset(ret->entries, 0, sizeof ret->entries); // SNS_UNKNOWN, whatever had been read
    if (!is_xml || parser->root != ANSWER_ERROR_RESPONSE || ret->code[0] == '\0') {
        describe_body(ret, http_status, parser->root, body, length);
    }
}
