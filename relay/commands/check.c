// SPDX-License-Identifier: Apache-2.0
// outbox-relay check: what is wrong between the outbox and its consumers, and what to do about it.
#include "check/check.h"

#include "base/buffer.h"
#include "check/report.h"
#include "commands/command.h"

#include <signal.h>
#include <stdio.h>

enum { REPORT_SIZE_MAX = 64 << 20 };

static void print(const struct findings *findings, bool as_json) {
    struct buffer report;
    buffer_init(&report, REPORT_SIZE_MAX);
    if (as_json) {
        report_json(findings, &report);
    } else {
        report_text(findings, &report);
    }
    (void)fwrite(buffer_text(&report), 1, report.length, stdout);
    buffer_free(&report);
}

bool command_check(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error) {
    struct findings *findings = findings_new();
    (void)operands;
    (void)operand_count;
    signal(SIGPIPE, SIG_IGN);
    bool ran = check_run(settings, CHECK_LIMIT_US, findings, error);
    if (ran) {
        print(findings, settings->json != 0);
    }
    int errors = findings->counts[FINDING_ERROR], warnings = findings->counts[FINDING_WARNING];
    findings_free(findings);
    if (ran && errors + warnings > 0) {
        return error_set(error, ERROR_FINDINGS, "check has found errors: %d, warnings: %d", errors, warnings);
    }
    return ran;
}
