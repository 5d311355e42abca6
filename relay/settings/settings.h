// SPDX-License-Identifier: Apache-2.0
// What a user can set: the values, and how they are read. The table of options (options.h) is the only place
// that names them; each is a flag, else an environment variable of the same name, else a line of the config
// file, else a default.
#pragma once

#include "base/error.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

enum sink_kind { SINK_SNS, SINK_STDOUT, SINK_HANDLERS };
enum parked_head { PARKED_HEAD_BLOCKS, PARKED_HEAD_PASSES };
enum message_format { FORMAT_DOMAIN_EVENT, FORMAT_CLOUDEVENTS, FORMAT_DATA };

enum { SETTING_UNSET = -1 };

// Texts are owned by the settings and never NULL: an option that is not set is "". Durations are in
// microseconds. A number or boolean without a default is SETTING_UNSET when it is not set, so that somebody
// else can be asked: the AWS profile.
struct settings {
    char *
        database_url; // a secret: it can hold a password. "" leaves the database to libpq's own PG* variables
    char *config;     // path of the config file, or ""
    char *topic_arn;
    char *topic_arn_prefix;
    int64_t sink;   // enum sink_kind
    int64_t format; // enum message_format
    char *source;   // the CloudEvents source of events whose metadata name none
    int64_t batch_rows;
    int64_t claims;
    int64_t max_in_flight;
    int64_t poll_interval;
    int64_t request_timeout;
    int64_t retry_base;
    int64_t retry_max;
    int64_t max_attempts;
    int64_t parked_head; // enum parked_head
    int64_t rate_limit;  // messages a second; 0 is none
    int64_t claim_timeout;
    int64_t max_message_bytes;
    int64_t shutdown_timeout;
    int64_t until_empty; // boolean
    char *on;            // a line for each handler: PATTERN=KIND:WHERE
    char *consumer;
    int64_t handler_timeout;
    int64_t sql_connections;
    int64_t sql_batch;
    char *webhook_secret; // a secret
    char *queue_url;
    int64_t concurrency;
    int64_t receives;
    int64_t wait_time;
    int64_t visibility_timeout;
    int64_t verify_signatures; // boolean
    char *listen;              // host:port of the admin port, or "off"
    int64_t retention;         // of sent events; 0 keeps them
    int64_t inbox_retention;   // of the memory of processed events; 0 keeps it
    int64_t older_than;        // for prune
    int64_t watch;             // boolean, for status
    int64_t ready;             // boolean, for healthcheck
    int64_t inbox;             // boolean, for migrate and prune
    char *pattern;             // of event types, for retry
    char *reason;              // for park and pause
    int64_t json;              // boolean, for check and status
    int64_t log_level;         // enum log_level
    int64_t log_format;        // enum log_format
    char *aws_region;
    char *aws_endpoint_url;
    char *aws_endpoint_url_sns;
    char *aws_ca_bundle;
    char *aws_access_key_id;
    char *aws_secret_access_key; // a secret
    char *aws_session_token;     // a secret
    char *aws_credential_expiration;
    char *aws_profile;
    char *aws_config_file;
    char *aws_shared_credentials_file;
    char *aws_role_arn;
    char *aws_web_identity_token_file;
    char *aws_role_session_name;
    char *aws_container_credentials_relative_uri;
    char *aws_container_credentials_full_uri;
    char *aws_container_authorization_token; // a secret
    char *aws_container_authorization_token_file;
    int64_t aws_ec2_metadata_disabled; // boolean
    char *aws_ec2_metadata_service_endpoint;
    char *aws_ec2_metadata_service_endpoint_mode;
    int64_t aws_metadata_service_timeout;      // seconds, or SETTING_UNSET
    int64_t aws_metadata_service_num_attempts; // or SETTING_UNSET
    char *aws_endpoint_url_sts;
    char *aws_endpoint_url_sqs;
    int64_t aws_ignore_configured_endpoint_urls; // boolean, or SETTING_UNSET; so are the two below
    int64_t aws_use_fips_endpoint;
    int64_t aws_use_dualstack_endpoint;
    char *aws_lambda_runtime_api;
    char *aws_lambda_function_name;

    // Behind the settings, two members that belong to none:
    uint64_t generation; // changes with every reload: who keeps what is made of a value looks at it
    struct settings_origins *origins; // where each value came from; for a reload
};

// settings_read fills `settings` from a command's arguments (without program and command name) and the
// environment, and what the config file says that they name (config_file.h). What is not an option is
// collected in `operands` (at most `*operand_count` of them on entry, the real number on return; one too many
// is an error). On failure `settings` holds nothing that must be freed, and `error` names the option, where
// it came from (flag or variable), the value and what is allowed; a secret's value is never shown.
bool settings_read(struct settings *settings, const char *command, int argc, char **argv,
                   const char **operands, int *operand_count, struct error *error);

// settings_remark logs what is to be said of the config file, once the logger is configured.
void settings_remark(const struct settings *settings);

// settings_forget_environment overwrites the secrets in the environment of this process, once they have been
// read: they leave /proc/PID/environ, and no child inherits them.
void settings_forget_environment(void);

// settings_free wipes secrets and releases everything.
void settings_free(struct settings *settings);
