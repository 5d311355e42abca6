// SPDX-License-Identifier: Apache-2.0
// The table of options; see options.h.
#include "settings/options.h"

#include "settings/settings.h"
#include "settings/value.h"

#include <inttypes.h>
#include <string.h>

#define MILLISECONDS INT64_C(1000)
#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)
#define DAYS (24 * HOURS)

#define MEMBER(name) .offset = offsetof(struct settings, name)
#define RANGE(low, high) .minimum = (low), .maximum = (high)
#define COMMANDS_ON_TOPICS (COMMAND_RUN | COMMAND_CHECK)
#define COMMANDS_ON_AWS (COMMANDS_ON_TOPICS | COMMAND_CONSUME)
#define COMMANDS_WITH_HANDLERS (COMMAND_RUN | COMMAND_CONSUME | COMMAND_LAMBDA)

static const char *const sinks[] = {
    [SINK_SNS] = "sns", [SINK_STDOUT] = "stdout", [SINK_HANDLERS] = "handlers", NULL};
static const char *const formats[] = {[FORMAT_DOMAIN_EVENT] = "domain-event",
                                      [FORMAT_CLOUDEVENTS] = "cloudevents",
                                      [FORMAT_DATA] = "data",
                                      NULL};
static const char *const parked_heads[] = {
    [PARKED_HEAD_BLOCKS] = "block", [PARKED_HEAD_PASSES] = "pass", NULL};
static const char *const log_levels[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", NULL};
static const char *const log_formats[] = {[LOG_AS_TEXT] = "text", [LOG_AS_JSON] = "json", NULL};

// clang-format off
const struct option options[OPTION_COUNT] = {
    {.flag = "database-url", .variable = "DATABASE_URL", .kind = OPTION_TEXT, .secret = true, .from_file = true,
     .reloads = true, .commands = COMMAND_ALL, MEMBER(database_url), .fallback = "",
     .help = "the database, as postgresql://user@host/name; not set: libpq's own PGHOST, PGUSER, ..."},
    {.flag = "config", .variable = "OUTBOX_CONFIG", .kind = OPTION_TEXT, .names_file = true,
     .commands = COMMAND_ALL, MEMBER(config), .fallback = "",
     .help = "a file with a line VARIABLE=VALUE for each setting; flags and the environment go before it"},
    {.flag = "topic-arn", .variable = "OUTBOX_TOPIC_ARN", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_TOPICS, MEMBER(topic_arn), .fallback = "",
     .help = "the topic for events that no route names"},
    {.flag = "topic-arn-prefix", .variable = "OUTBOX_TOPIC_ARN_PREFIX", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_TOPICS, MEMBER(topic_arn_prefix), .fallback = "",
     .help = "else this, a colon, and the event type with hyphens for dots"},
    {.flag = "sink", .variable = "OUTBOX_SINK", .kind = OPTION_CHOICE, .choices = sinks,
     .commands = COMMANDS_ON_TOPICS, MEMBER(sink), .fallback = "sns",
     .help = "where events go: AWS SNS, standard output as JSON lines, or straight to handlers (--on)"},
    {.flag = "format", .variable = "OUTBOX_FORMAT", .kind = OPTION_CHOICE, .choices = formats,
     .commands = COMMAND_RUN, MEMBER(format), .fallback = "domain-event",
     .help = "the message body of events whose route names no format"},
    {.flag = "source", .variable = "OUTBOX_SOURCE", .kind = OPTION_TEXT,
     .commands = COMMAND_RUN, MEMBER(source), .fallback = "outbox-relay",
     .help = "the CloudEvents source of events whose metadata name none"},
    {.flag = "batch-rows", .variable = "OUTBOX_BATCH_ROWS", .kind = OPTION_INTEGER, RANGE(1, 10000),
     .commands = COMMAND_RUN, MEMBER(batch_rows), .fallback = "1000",
     .help = "rows claimed at a time"},
    {.flag = "claims", .variable = "OUTBOX_CLAIMS", .kind = OPTION_INTEGER, RANGE(1, 16),
     .commands = COMMANDS_ON_TOPICS, MEMBER(claims), .fallback = "4",
     .help = "claim transactions open at once, each on a connection of its own"},
    {.flag = "max-in-flight", .variable = "OUTBOX_MAX_IN_FLIGHT", .kind = OPTION_INTEGER, RANGE(1, 1024),
     .commands = COMMAND_RUN, MEMBER(max_in_flight), .fallback = "256",
     .help = "SNS requests under way at once"},
    {.flag = "poll-interval", .variable = "OUTBOX_POLL_INTERVAL", .kind = OPTION_DURATION,
     RANGE(10 * MILLISECONDS, 1 * HOURS), .reloads = true, .commands = COMMAND_RUN, MEMBER(poll_interval), .fallback = "1s",
     .help = "how often to look for events when no wake-up comes"},
    {.flag = "request-timeout", .variable = "OUTBOX_REQUEST_TIMEOUT", .kind = OPTION_DURATION,
     RANGE(100 * MILLISECONDS, 5 * MINUTES), .commands = COMMANDS_ON_AWS, MEMBER(request_timeout), .fallback = "10s",
     .help = "how long one SNS request may take"},
    {.flag = "retry-base", .variable = "OUTBOX_RETRY_BASE", .kind = OPTION_DURATION,
     RANGE(1 * MILLISECONDS, 1 * HOURS), .reloads = true, .commands = COMMAND_RUN | COMMAND_CONSUME, MEMBER(retry_base), .fallback = "1s",
     .help = "the backoff after a first failure; it doubles with each further one"},
    {.flag = "retry-max", .variable = "OUTBOX_RETRY_MAX", .kind = OPTION_DURATION,
     RANGE(1 * MILLISECONDS, 24 * HOURS), .reloads = true, .commands = COMMAND_RUN | COMMAND_CONSUME, MEMBER(retry_max), .fallback = "5m",
     .help = "the longest backoff"},
    {.flag = "max-attempts", .variable = "OUTBOX_MAX_ATTEMPTS", .kind = OPTION_INTEGER, RANGE(1, 32767),
     .reloads = true, .commands = COMMAND_RUN, MEMBER(max_attempts), .fallback = "25",
     .help = "how often an event may be refused before it is parked; outages and topics in trouble do not count"},
    {.flag = "parked-head", .variable = "OUTBOX_PARKED_HEAD", .kind = OPTION_CHOICE, .choices = parked_heads,
     .reloads = true, .commands = COMMAND_RUN, MEMBER(parked_head), .fallback = "block",
     .help = "FIFO topics: whether later events of its aggregate wait for a parked event (block), or pass it"},
    {.flag = "rate-limit", .variable = "OUTBOX_RATE_LIMIT", .kind = OPTION_INTEGER, RANGE(0, 1000000),
     .reloads = true, .commands = COMMAND_RUN, MEMBER(rate_limit), .fallback = "0",
     .help = "messages a second at most, where the account's SNS quota is shared; 0: what SNS allows"},
    {.flag = "claim-timeout", .variable = "OUTBOX_CLAIM_TIMEOUT", .kind = OPTION_DURATION,
     RANGE(1 * SECONDS, 10 * MINUTES), .reloads = true, .commands = COMMANDS_ON_TOPICS, MEMBER(claim_timeout), .fallback = "20s",
     .help = "how long a claim may keep events that SNS does not take; then they are given back"},
    {.flag = "max-message-bytes", .variable = "OUTBOX_MAX_MESSAGE_BYTES", .kind = OPTION_BYTES,
     RANGE(1024, 1048576), .commands = COMMANDS_ON_TOPICS, MEMBER(max_message_bytes), .fallback = "262144",
     .help = "the largest message: body and attributes; more than 262144 needs topics that allow it"},
    {.flag = "shutdown-timeout", .variable = "OUTBOX_SHUTDOWN_TIMEOUT", .kind = OPTION_DURATION,
     RANGE(0, 1 * HOURS), .reloads = true, .commands = COMMAND_RUN | COMMAND_CONSUME, MEMBER(shutdown_timeout), .fallback = "25s",
     .help = "how long to finish what is in flight after SIGTERM or SIGINT"},
    {.flag = "until-empty", .variable = "OUTBOX_UNTIL_EMPTY", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_RUN | COMMAND_CONSUME, MEMBER(until_empty), .fallback = "false",
     .help = "exit when nothing is left to send, or to receive"},
    {.flag = "on", .variable = "OUTBOX_ON", .kind = OPTION_TEXT, .repeats = true,
     .commands = COMMANDS_WITH_HANDLERS | COMMAND_CHECK, MEMBER(on), .fallback = "",
     .help = "PATTERN=HANDLER: sql:schema.function, http:URL or exec:COMMAND; repeat the flag, or a line for each"},
    {.flag = "consumer", .variable = "OUTBOX_CONSUMER", .kind = OPTION_TEXT,
     .commands = COMMANDS_WITH_HANDLERS, MEMBER(consumer), .fallback = "",
     .help = "the name under which inbox.processed_event remembers events; not set: the queue's, the function's, or handlers"},
    {.flag = "handler-timeout", .variable = "OUTBOX_HANDLER_TIMEOUT", .kind = OPTION_DURATION,
     RANGE(100 * MILLISECONDS, 12 * HOURS), .commands = COMMANDS_WITH_HANDLERS, MEMBER(handler_timeout), .fallback = "30s",
     .help = "how long a handler may take with one event"},
    {.flag = "sql-connections", .variable = "OUTBOX_SQL_CONNECTIONS", .kind = OPTION_INTEGER, RANGE(1, 32),
     .commands = COMMANDS_WITH_HANDLERS, MEMBER(sql_connections), .fallback = "2",
     .help = "connections that sql: handlers run on"},
    {.flag = "sql-batch", .variable = "OUTBOX_SQL_BATCH", .kind = OPTION_INTEGER, RANGE(1, 1000),
     .commands = COMMANDS_WITH_HANDLERS, MEMBER(sql_batch), .fallback = "50",
     .help = "events whose sql: handlers may share a transaction"},
    {.flag = "queue-url", .variable = "OUTBOX_QUEUE_URL", .kind = OPTION_TEXT,
     .commands = COMMAND_CONSUME, MEMBER(queue_url), .fallback = "",
     .help = "the SQS queue to consume"},
    {.flag = "concurrency", .variable = "OUTBOX_CONCURRENCY", .kind = OPTION_INTEGER, RANGE(1, 10000),
     .commands = COMMAND_CONSUME, MEMBER(concurrency), .fallback = "200",
     .help = "messages held at once, being handled or about to be"},
    {.flag = "receives", .variable = "OUTBOX_RECEIVES", .kind = OPTION_INTEGER, RANGE(1, 50),
     .commands = COMMAND_CONSUME, MEMBER(receives), .fallback = "4",
     .help = "receive requests under way at once, while there are messages; one while there are none"},
    {.flag = "wait-time", .variable = "OUTBOX_WAIT_TIME", .kind = OPTION_DURATION, RANGE(0, 20 * SECONDS),
     .commands = COMMAND_CONSUME, MEMBER(wait_time), .fallback = "20s",
     .help = "how long a receive request waits for messages; SIGTERM is obeyed when it has ended"},
    {.flag = "visibility-timeout", .variable = "OUTBOX_VISIBILITY_TIMEOUT", .kind = OPTION_DURATION,
     RANGE(2 * SECONDS, 12 * HOURS), .commands = COMMAND_CONSUME, MEMBER(visibility_timeout), .fallback = "30s",
     .help = "how long a message stays hidden after a crash; extended while it is held"},
    {.flag = "verify-signatures", .variable = "OUTBOX_VERIFY_SIGNATURES", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_CONSUME | COMMAND_LAMBDA, MEMBER(verify_signatures), .fallback = "false",
     .help = "refuse envelopes of standard topics whose SNS signature is missing or wrong"},
    {.flag = "listen", .variable = "OUTBOX_LISTEN", .kind = OPTION_TEXT,
     .commands = COMMAND_RUN | COMMAND_CONSUME | COMMAND_HEALTHCHECK, MEMBER(listen), .fallback = "127.0.0.1:9465",
     .help = "address of /livez, /readyz, /metrics and the status page; port 0 takes a free one, off none"},
    {.flag = "retention", .variable = "OUTBOX_RETENTION", .kind = OPTION_DURATION, RANGE(0, 3650 * DAYS),
     .reloads = true, .commands = COMMAND_RUN, MEMBER(retention), .fallback = "7d",
     .help = "sent events older than this are pruned in small steps; 0 keeps them"},
    {.flag = "inbox-retention", .variable = "OUTBOX_INBOX_RETENTION", .kind = OPTION_DURATION, RANGE(0, 3650 * DAYS),
     .reloads = true, .commands = COMMAND_CONSUME, MEMBER(inbox_retention), .fallback = "0",
     .help = "processed events are forgotten after this, longer than messages can come again: 30d, say; 0 keeps them"},
    {.flag = "older-than", .kind = OPTION_DURATION, RANGE(0, 3650 * DAYS),
     .commands = COMMAND_PRUNE, MEMBER(older_than), .fallback = "",
     .help = "what was sent, or processed, longer ago than this is deleted"},
    {.flag = "watch", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_STATUS, MEMBER(watch), .fallback = "false",
     .help = "show it anew every two seconds, until interrupted"},
    {.flag = "ready", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_HEALTHCHECK, MEMBER(ready), .fallback = "false",
     .help = "ask whether it is ready, instead of whether it lives"},
    {.flag = "inbox", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_MIGRATE | COMMAND_PRUNE, MEMBER(inbox), .fallback = "false",
     .help = "schema inbox, for consumers, instead of schema outbox"},
    {.flag = "pattern", .kind = OPTION_TEXT,
     .commands = COMMAND_RETRY, MEMBER(pattern), .fallback = "",
     .help = "the event types to try again: order.created, order.*, order.**"},
    {.flag = "reason", .kind = OPTION_TEXT,
     .commands = COMMAND_PARK | COMMAND_PAUSE, MEMBER(reason), .fallback = "",
     .help = "why, for whoever looks at it next"},
    {.flag = "json", .kind = OPTION_BOOLEAN,
     .commands = COMMAND_CHECK | COMMAND_STATUS, MEMBER(json), .fallback = "false",
     .help = "print one JSON document instead of a text"},
    {.flag = "log-level", .variable = "OUTBOX_LOG_LEVEL", .kind = OPTION_CHOICE, .choices = log_levels,
     .reloads = true, .commands = COMMAND_ALL, MEMBER(log_level), .fallback = "info",
     .help = "what is logged, on standard error"},
    {.flag = "log-format", .variable = "OUTBOX_LOG_FORMAT", .kind = OPTION_CHOICE, .choices = log_formats,
     .reloads = true, .commands = COMMAND_ALL, MEMBER(log_format), .fallback = "text",
     .help = "how it is logged"},
    {.flag = "aws-region", .variable = "AWS_REGION", .alternative = "AWS_DEFAULT_REGION", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_region), .fallback = "",
     .help = "the AWS region; not set: the profile's, else that of the topic's ARN, else that of the EC2 instance"},
    {.flag = "aws-endpoint-url", .variable = "AWS_ENDPOINT_URL", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_endpoint_url), .fallback = "",
     .help = "the address of AWS services, for an emulator or a proxy"},
    {.flag = "aws-endpoint-url-sns", .variable = "AWS_ENDPOINT_URL_SNS", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_endpoint_url_sns), .fallback = "",
     .help = "the address of SNS alone; goes before the one above"},
    {.flag = "aws-ca-bundle", .variable = "AWS_CA_BUNDLE", .kind = OPTION_TEXT,
     .names_file = true, .commands = COMMANDS_ON_AWS, MEMBER(aws_ca_bundle), .fallback = "",
     .help = "a PEM file of certificate authorities to trust instead of the system's"},
    {.variable = "AWS_ACCESS_KEY_ID", .kind = OPTION_TEXT, .secret = true, .from_file = true,
     .reloads = true, .commands = COMMANDS_ON_AWS, MEMBER(aws_access_key_id), .fallback = "",
     .help = "the AWS access key"},
    {.variable = "AWS_SECRET_ACCESS_KEY", .kind = OPTION_TEXT, .secret = true, .from_file = true,
     .reloads = true, .commands = COMMANDS_ON_AWS, MEMBER(aws_secret_access_key), .fallback = "",
     .help = "its secret"},
    {.variable = "AWS_SESSION_TOKEN", .kind = OPTION_TEXT, .secret = true, .from_file = true,
     .reloads = true, .commands = COMMANDS_ON_AWS, MEMBER(aws_session_token), .fallback = "",
     .help = "the session token of temporary credentials"},
    {.variable = "AWS_CREDENTIAL_EXPIRATION", .kind = OPTION_TEXT,
     .reloads = true, .commands = COMMANDS_ON_AWS, MEMBER(aws_credential_expiration), .fallback = "",
     .help = "when the three above expire, as 2026-01-31T12:34:56Z"},
    {.variable = "AWS_PROFILE", .alternative = "AWS_DEFAULT_PROFILE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_profile), .fallback = "",
     .help = "the profile of the shared files; not set: default"},
    {.variable = "AWS_CONFIG_FILE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_config_file), .fallback = "",
     .help = "the shared config file; not set: ~/.aws/config"},
    {.variable = "AWS_SHARED_CREDENTIALS_FILE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_shared_credentials_file), .fallback = "",
     .help = "the shared credentials file; not set: ~/.aws/credentials"},
    {.variable = "AWS_ROLE_ARN", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_role_arn), .fallback = "",
     .help = "the role to assume with the token of AWS_WEB_IDENTITY_TOKEN_FILE"},
    {.variable = "AWS_WEB_IDENTITY_TOKEN_FILE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_web_identity_token_file), .fallback = "",
     .help = "a file with an OpenID Connect token, read anew at each refresh (EKS: IAM roles for service accounts)"},
    {.variable = "AWS_ROLE_SESSION_NAME", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_role_session_name), .fallback = "",
     .help = "the name of that session, as CloudTrail shows it; not set: one is made up"},
    {.variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_container_credentials_relative_uri), .fallback = "",
     .help = "set by ECS: the path of the task's credentials at 169.254.170.2"},
    {.variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_container_credentials_full_uri), .fallback = "",
     .help = "set by EKS Pod Identity and others: where credentials are"},
    {.variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN", .kind = OPTION_TEXT, .secret = true,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_container_authorization_token), .fallback = "",
     .help = "what that address is asked with"},
    {.variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_container_authorization_token_file), .fallback = "",
     .help = "a file with it, read anew at each refresh; goes before it"},
    {.variable = "AWS_EC2_METADATA_DISABLED", .kind = OPTION_BOOLEAN,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_ec2_metadata_disabled), .fallback = "false",
     .help = "do not ask the instance metadata service of EC2"},
    {.variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_ec2_metadata_service_endpoint), .fallback = "",
     .help = "its address; not set: as the mode says"},
    {.variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_ec2_metadata_service_endpoint_mode), .fallback = "",
     .help = "IPv4 (http://169.254.169.254) or IPv6 (http://[fd00:ec2::254]); not set: IPv4"},
    {.variable = "AWS_METADATA_SERVICE_TIMEOUT", .kind = OPTION_INTEGER, RANGE(1, 60),
     .commands = COMMANDS_ON_AWS, MEMBER(aws_metadata_service_timeout), .fallback = "",
     .help = "how many seconds it may take to answer; not set: 1"},
    {.variable = "AWS_METADATA_SERVICE_NUM_ATTEMPTS", .kind = OPTION_INTEGER, RANGE(1, 10),
     .commands = COMMANDS_ON_AWS, MEMBER(aws_metadata_service_num_attempts), .fallback = "",
     .help = "how often it is asked before it counts as absent; not set: 1"},
    {.variable = "AWS_ENDPOINT_URL_STS", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_endpoint_url_sts), .fallback = "",
     .help = "the address of STS alone; goes before AWS_ENDPOINT_URL"},
    {.variable = "AWS_ENDPOINT_URL_SQS", .kind = OPTION_TEXT,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_endpoint_url_sqs), .fallback = "",
     .help = "the address of SQS alone; goes before AWS_ENDPOINT_URL"},
    {.variable = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", .kind = OPTION_BOOLEAN,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_ignore_configured_endpoint_urls), .fallback = "",
     .help = "look at no endpoint URL, neither of the environment nor of the profile; not set: false"},
    {.variable = "AWS_USE_FIPS_ENDPOINT", .kind = OPTION_BOOLEAN,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_use_fips_endpoint), .fallback = "",
     .help = "use the endpoints with FIPS 140 cryptography; not set: false"},
    {.variable = "AWS_USE_DUALSTACK_ENDPOINT", .kind = OPTION_BOOLEAN,
     .commands = COMMANDS_ON_AWS, MEMBER(aws_use_dualstack_endpoint), .fallback = "",
     .help = "use the endpoints with IPv4 and IPv6 addresses; not set: false"},
    {.variable = "OUTBOX_WEBHOOK_SECRET", .kind = OPTION_TEXT, .secret = true, .from_file = true,
     .reloads = true, .commands = COMMANDS_WITH_HANDLERS, MEMBER(webhook_secret), .fallback = "",
     .help = "what http: handlers' requests are signed with (Standard Webhooks: whsec_ and base64); not set: not signed"},
    {.variable = "AWS_LAMBDA_RUNTIME_API", .kind = OPTION_TEXT,
     .commands = COMMAND_LAMBDA, MEMBER(aws_lambda_runtime_api), .fallback = "",
     .help = "host and port of the runtime API; Lambda sets it"},
    {.variable = "AWS_LAMBDA_FUNCTION_NAME", .kind = OPTION_TEXT,
     .commands = COMMAND_LAMBDA, MEMBER(aws_lambda_function_name), .fallback = "",
     .help = "the function's name; Lambda sets it"},
};
// clang-format on

unsigned option_command_mask(const char *command) {
    static const struct {
        const char *name;
        unsigned mask;
    } commands[] = {{"run", COMMAND_RUN},
                    {"migrate", COMMAND_MIGRATE},
                    {"publish", COMMAND_PUBLISH},
                    {"retry", COMMAND_RETRY},
                    {"park", COMMAND_PARK},
                    {"pause", COMMAND_PAUSE},
                    {"resume", COMMAND_RESUME},
                    {"check", COMMAND_CHECK},
                    {"consume", COMMAND_CONSUME},
                    {"lambda", COMMAND_LAMBDA},
                    {"status", COMMAND_STATUS},
                    {"prune", COMMAND_PRUNE},
                    {"healthcheck", COMMAND_HEALTHCHECK}};
    for (size_t index = 0; index < sizeof commands / sizeof commands[0]; index++) {
        if (strcmp(command, commands[index].name) == 0) {
            return commands[index].mask;
        }
    }
    return 0;
}

static bool is_variable_of(const struct option *option, const char *name) {
    if (option->variable == NULL) {
        return false;
    }
    size_t length = strlen(option->variable);
    return strcmp(name, option->variable) == 0 ||
           (option->alternative != NULL && strcmp(name, option->alternative) == 0) ||
           (option->from_file && strncmp(name, option->variable, length) == 0 &&
            strcmp(name + length, "_FILE") == 0);
}

const struct option *option_of_variable(const char *name) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (is_variable_of(&options[index], name)) {
            return &options[index];
        }
    }
    return NULL;
}

static bool parse_choice(const struct option *option, const char *text, int64_t *value) {
    for (int index = 0; option->choices[index] != NULL; index++) {
        if (strcmp(text, option->choices[index]) == 0) {
            *value = index;
            return true;
        }
    }
    return false;
}

bool option_parse(const struct option *option, const char *text, int64_t *value) {
    int64_t number = 0;
    bool parsed = false;
    if (option->kind != OPTION_TEXT && text[0] == '\0' && option->fallback[0] == '\0') {
        *value = SETTING_UNSET;
        return true;
    }
    switch (option->kind) {
    case OPTION_TEXT:
        return false;
    case OPTION_BOOLEAN:
        return value_parse_boolean(text, value);
    case OPTION_CHOICE:
        return parse_choice(option, text, value);
    case OPTION_INTEGER:
        parsed = value_parse_integer(text, &number);
        break;
    case OPTION_DURATION:
        parsed = value_parse_duration(text, &number);
        break;
    case OPTION_BYTES:
        parsed = value_parse_bytes(text, &number);
        break;
    }
    if (!parsed || number < option->minimum || number > option->maximum) {
        return false;
    }
    *value = number;
    return true;
}

static void append_choices(const struct option *option, struct buffer *out) {
    for (int index = 0; option->choices[index] != NULL; index++) {
        buffer_append_text(out, index == 0 ? "" : ", ");
        buffer_append_text(out, option->choices[index]);
    }
}

void option_append_allowed(const struct option *option, struct buffer *out) {
    char low[VALUE_TEXT_SIZE];
    char high[VALUE_TEXT_SIZE];
    switch (option->kind) {
    case OPTION_TEXT:
        break;
    case OPTION_BOOLEAN:
        buffer_append_text(out, "true, false");
        break;
    case OPTION_CHOICE:
        append_choices(option, out);
        break;
    case OPTION_DURATION:
        value_format_duration(option->minimum, low);
        value_format_duration(option->maximum, high);
        buffer_append_format(out, "%s to %s", low, high);
        break;
    case OPTION_INTEGER:
    case OPTION_BYTES:
        buffer_append_format(out, "%" PRId64 " to %" PRId64, option->minimum, option->maximum);
        break;
    }
}
