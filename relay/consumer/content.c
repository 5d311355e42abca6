// SPDX-License-Identifier: Apache-2.0
#include "consumer/content.h"

#include "consumer/compose.h"
#include "consumer/texts.h"

enum {
    EVENT_ID,
    EVENT_TYPE,
    AGGREGATE_ID,
    DOMAIN_DATA,
    METADATA,
    SPECVERSION,
    CLOUD_ID,
    CLOUD_TYPE,
    SUBJECT,
    PARTITIONKEY,
    TIME,
    EVENTVERSION,
    SEQUENCE,
    SOURCE,
    CORRELATIONID,
    CAUSATIONID,
    CLOUD_TRACEPARENT,
    DATA_BASE64,
    MEMBER_COUNT,
};

static const char *const names[MEMBER_COUNT] = {
    [EVENT_ID] = "eventId",
    [EVENT_TYPE] = "eventType",
    [AGGREGATE_ID] = "aggregateId",
    [DOMAIN_DATA] = "data",
    [METADATA] = "metadata",
    [SPECVERSION] = "specversion",
    [CLOUD_ID] = "id",
    [CLOUD_TYPE] = "type",
    [SUBJECT] = "subject",
    [PARTITIONKEY] = "partitionkey",
    [TIME] = "time",
    [EVENTVERSION] = "eventversion",
    [SEQUENCE] = "sequence",
    [SOURCE] = "source",
    [CORRELATIONID] = "correlationid",
    [CAUSATIONID] = "causationid",
    [CLOUD_TRACEPARENT] = "traceparent",
    [DATA_BASE64] = "data_base64",
};

struct content {
    struct domain_event *event;
    struct slice message;
    const struct attributes *attributes;
    bool identified; // they say which event it is
    struct member members[MEMBER_COUNT];
    struct buffer *texts;
    struct buffer *json;
    struct error *error;
};

static bool refuse(const struct content *content, const char *name, const char *rule) {
    return error_set(content->error, ERROR_USAGE, "%s %s", name, rule);
}

static bool read(struct content *content, int member, struct slice *ret) {
    return texts_read(content->texts, &content->members[member], ret, content->error);
}

static bool has(const struct content *content, int member) {
    return content->members[member].raw.data != NULL;
}

static bool set_id(struct content *content, const char *name, struct slice text) {
    if (text.data == NULL) {
        return refuse(content, name, "is missing");
    }
    return text_event_id(text, content->event->event_id) || refuse(content, name, "must be a UUID");
}

static bool set_type(struct content *content, const char *name, struct slice text) {
    content->event->event_type = text;
    if (text.data == NULL) {
        return refuse(content, name, "is missing");
    }
    return text_event_type(text) ||
           refuse(content, name,
                  "must be an event type: words of a-z, 0-9, hyphen and underscore between dots, 256 bytes "
                  "at most");
}

static bool set_aggregate(struct content *content, const char *name, struct slice text) {
    content->event->aggregate_id = text;
    return text_is_plain(text) ||
           refuse(content, name, "must be a text of at most 256 bytes without control characters");
}

// What cannot be a header is left out, as where it was published; the event still has it.
static struct slice plain(const struct content *content, struct slice text, enum attribute instead) {
    if (text.length == 0) {
        text = content->attributes->value[instead];
    }
    return text_is_plain(text) ? text : (struct slice){0};
}

static void set_trace(struct content *content, struct slice correlation_id, struct slice traceparent) {
    content->event->correlation_id = plain(content, correlation_id, ATTRIBUTE_CORRELATION_ID);
    content->event->traceparent = plain(content, traceparent, ATTRIBUTE_TRACEPARENT);
}

static bool read_metadata(struct content *content) {
    enum { CORRELATION, TRACEPARENT, COUNT };
    struct member members[COUNT] = {
        [CORRELATION] = {.name = "correlationId"}, [TRACEPARENT] = {.name = "traceparent"}};
    const struct member *metadata = &content->members[METADATA];
    struct slice correlation_id, traceparent;
    const char *fault = NULL;
    if (metadata->twice) {
        return refuse(content, metadata->name, "is there twice");
    }
    if (!member_is_null(metadata) && members_read(metadata->raw, members, COUNT, &fault) != JSON_OBJECT) {
        return refuse(content, metadata->name, "must be an object");
    }
    (void)texts_read(content->texts, &members[CORRELATION], &correlation_id, NULL);
    (void)texts_read(content->texts, &members[TRACEPARENT], &traceparent, NULL);
    set_trace(content, correlation_id, traceparent);
    return true;
}

static bool check_data(struct content *content) {
    return !content->members[DOMAIN_DATA].twice || refuse(content, names[DOMAIN_DATA], "is there twice");
}

static bool read_domain_event(struct content *content) {
    struct slice id, type, aggregate;
    content->event->json = content->message;
    return read(content, EVENT_ID, &id) && set_id(content, names[EVENT_ID], id) &&
           read(content, EVENT_TYPE, &type) && set_type(content, names[EVENT_TYPE], type) &&
           read(content, AGGREGATE_ID, &aggregate) &&
           set_aggregate(content, names[AGGREGATE_ID], aggregate) && check_data(content) &&
           read_metadata(content);
}

static bool compose(struct content *content, const struct composition *composition) {
    compose_domain_event(content->json, content->event, composition);
    content->event->json = (struct slice){content->json->data, content->json->length};
    return !content->json->overflow || refuse(content, "the event", "is too large");
}

// The subject is the aggregate; a partition key may stand in for it.
static bool read_cloud_aggregate(struct content *content) {
    struct slice subject, key;
    if (!read(content, SUBJECT, &subject) || !read(content, PARTITIONKEY, &key)) {
        return false;
    }
    return subject.length > 0 ? set_aggregate(content, names[SUBJECT], subject)
                              : set_aggregate(content, names[PARTITIONKEY], key);
}

// A text in CloudEvents' own extension, but others write numbers.
static bool read_sequence(struct content *content, struct slice *ret) {
    struct slice raw = content->members[SEQUENCE].raw;
    if (raw.length > 0 && raw.data[0] != '"') {
        *ret = raw;
        return true;
    }
    return read(content, SEQUENCE, ret);
}

static bool read_cloud_data(struct content *content, struct composition *composition) {
    if (has(content, DATA_BASE64)) {
        return refuse(content, names[DATA_BASE64],
                      "is not supported: an event's data must be JSON, in the member data");
    }
    composition->data = content->members[DOMAIN_DATA].raw;
    return check_data(content);
}

static bool read_cloudevent(struct content *content) {
    struct composition composition = {0};
    struct slice version, id, type;
    if (!read(content, SPECVERSION, &version)) {
        return false;
    }
    if (!slice_equals(version, "1.0")) {
        return refuse(content, names[SPECVERSION],
                      "must be \"1.0\": no other version of CloudEvents is known");
    }
    bool valid = read(content, CLOUD_ID, &id) && set_id(content, names[CLOUD_ID], id) &&
                 read(content, CLOUD_TYPE, &type) && set_type(content, names[CLOUD_TYPE], type) &&
                 read_cloud_aggregate(content) && read(content, TIME, &composition.occurred_on) &&
                 read(content, EVENTVERSION, &composition.version) &&
                 read_sequence(content, &composition.sequence) &&
                 read(content, SOURCE, &composition.source) &&
                 read(content, CORRELATIONID, &composition.correlation_id) &&
                 read(content, CAUSATIONID, &composition.causation_id) &&
                 read(content, CLOUD_TRACEPARENT, &composition.traceparent) &&
                 read_cloud_data(content, &composition) && compose(content, &composition);
    if (!valid) {
        return false;
    }
    set_trace(content, composition.correlation_id, composition.traceparent);
    return true;
}

static bool read_data(struct content *content) {
    const struct slice *value = content->attributes->value;
    const struct slice none = {0};
    bool valid = set_id(content, "the message attribute event-id", value[ATTRIBUTE_EVENT_ID]) &&
                 set_type(content, "the message attribute event-type", value[ATTRIBUTE_EVENT_TYPE]) &&
                 set_aggregate(content, "the message attribute aggregate-id", value[ATTRIBUTE_AGGREGATE_ID]);
    if (!valid) {
        return false;
    }
    if (!text_is_plain(value[ATTRIBUTE_EVENT_VERSION])) {
        return refuse(content, "the message attribute event-version",
                      "must be a text of at most 256 bytes without control characters");
    }
    set_trace(content, none, none);
    const struct composition composition = {.version = value[ATTRIBUTE_EVENT_VERSION],
                                            .data = content->message,
                                            .correlation_id = content->event->correlation_id,
                                            .traceparent = content->event->traceparent};
    return compose(content, &composition);
}

// Whether the attributes name the same event as these members.
static bool agrees(struct content *content, int id_member, int type_member) {
    const struct slice *value = content->attributes->value;
    char here[DOMAIN_EVENT_ID_SIZE], there[DOMAIN_EVENT_ID_SIZE];
    struct slice id, type;
    size_t length = content->texts->length;
    bool agree = texts_read(content->texts, &content->members[id_member], &id, NULL) &&
                 texts_read(content->texts, &content->members[type_member], &type, NULL) &&
                 text_event_id(id, here) && text_event_id(value[ATTRIBUTE_EVENT_ID], there) &&
                 strcmp(here, there) == 0 && type.length == value[ATTRIBUTE_EVENT_TYPE].length &&
                 memcmp(type.data, value[ATTRIBUTE_EVENT_TYPE].data, type.length) == 0;
    buffer_truncate(content->texts, length);
    return agree;
}

static bool refuse_stranger(const struct content *content) {
    const char *rest = attributes_identify(content->attributes)
                           ? "; message attributes do not count, as they are not signed"
                           : ", nor are there the message attributes event-id and event-type";
    return error_set(content->error, ERROR_USAGE,
                     "the message is no event: it has neither eventId and eventType nor specversion%s", rest);
}

static bool read_any(struct content *content, enum json_kind kind) {
    bool named = content->identified && attributes_identify(content->attributes);
    if (kind == JSON_OBJECT) {
        if ((has(content, EVENT_ID) || has(content, EVENT_TYPE)) &&
            (!named || agrees(content, EVENT_ID, EVENT_TYPE))) {
            return read_domain_event(content);
        }
        if (has(content, SPECVERSION) && (!named || agrees(content, CLOUD_ID, CLOUD_TYPE))) {
            return read_cloudevent(content);
        }
    }
    return named ? read_data(content) : refuse_stranger(content);
}

bool content_read(struct domain_event *ret, struct slice message, const struct attributes *attributes,
                  bool identified, struct buffer *texts, struct buffer *json, struct error *error) {
    struct content content = {.event = ret,
                              .message = message,
                              .attributes = attributes,
                              .identified = identified,
                              .texts = texts,
                              .json = json,
                              .error = error};
    const char *fault = NULL;
    for (int index = 0; index < MEMBER_COUNT; index++) {
        content.members[index].name = names[index];
    }
    *ret = (struct domain_event){0};
    enum json_kind kind = members_read(message, content.members, MEMBER_COUNT, &fault);
    if (kind == JSON_INVALID) {
        return error_set(error, ERROR_USAGE, "the message %s", fault);
    }
    return read_any(&content, kind);
}
