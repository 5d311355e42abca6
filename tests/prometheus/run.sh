#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The alert rules of deploy/prometheus: promtool accepts them, each fires when it should and only then (*.test.yml), names
# metrics that there are, and its runbook.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
root=${here%/tests/prometheus}
# shellcheck source=../../deploy/lib/common.sh
source "$root/deploy/lib/common.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$root/deploy/lib/packages.sh"
# shellcheck source=../lib/prometheus.sh
source "$root/tests/lib/prometheus.sh"
rules=$root/deploy/prometheus/alerts.yml

# has_test ALERT PATTERN: there is a test of the alert in whose lines the pattern is.
has_test() { grep -hE -A 1 "alertname: $1(\}|$)" "$here"/*.test.yml | grep -q "$2"; }

prometheus_need
promtool check rules "$rules"
promtool test rules "$here"/*.test.yml

passed=0
while read -r alert; do
    has_test "$alert" 'exp_alerts:' || fail "no test in which $alert fires"
    has_test "$alert" "alertname: $alert}" || fail "no test in which $alert does not fire"
    grep -q "runbook_url: deploy/runbooks.md#${alert,,}$" "$rules" || fail "$alert has no runbook_url deploy/runbooks.md#${alert,,}"
    grep -qx "## $alert" "$root/deploy/runbooks.md" || fail "deploy/runbooks.md has no heading $alert"
    passed=$((passed + 1))
done < <(sed -n 's/^ *- alert: //p' "$rules")
while read -r metric; do
    grep -q "\"$metric\"" "$root/relay/observe/families.c" || fail "$rules: there is no metric $metric"
done < <(grep -oE 'outbox_relay_[a-z_]+' "$rules" | sed 's/_bucket$//' | sort -u)
say "$passed passed, 0 failed"
