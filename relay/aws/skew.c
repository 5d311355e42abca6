// SPDX-License-Identifier: Apache-2.0
// Many requests are under way when the first is refused. Each was signed with the offset of its time, so each
// is judged by that one, while the offset is corrected only once.
#include "aws/skew.h"

#include "aws/failure.h"
#include "base/log.h"
#include "http/date.h"

#include <stdlib.h>

static const int64_t TOLERATED_US = 4 * 60 * INT64_C(1000000); // as in the SDKs; AWS allows 5 to 15 minutes

static bool differ(int64_t one_us, int64_t other_us) {
    return llabs(one_us - other_us) > TOLERATED_US;
}

static void correct(struct aws_skew *skew, int64_t offset_us) {
    skew->offset_us = offset_us;
    if (differ(offset_us, 0)) {
        log_warn("the clock of this machine is wrong, requests are signed by that of AWS: let NTP set it "
                 "(chronyd, systemd-timesyncd)",
                 LOG_INT("behind_aws_s", offset_us / 1000000));
    } else {
        log_info("the clock of this machine is right again", LOG_INT("behind_aws_s", offset_us / 1000000));
    }
}

bool aws_skew_explains(struct aws_skew *skew, int64_t signed_offset_us, const char *code, const char *date,
                       int64_t unix_us) {
    int64_t aws_us;
    if (aws_failure_of_code(code) != AWS_FAILURE_SIGNATURE || !http_date_parse(date, &aws_us)) {
        return false;
    }
    if (differ(aws_us, unix_us + skew->offset_us)) {
        correct(skew, aws_us - unix_us);
    }
    return differ(aws_us, unix_us + signed_offset_us);
}
