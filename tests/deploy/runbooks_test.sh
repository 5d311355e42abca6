#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The runbooks: each alert has one, with all its parts, and its runbook_url leads there; every command in them exists and
# runs, as do the statements for whoever may only look; what they name exists. What is wrong in them is found.
# shellcheck disable=SC2016 # the backquotes are the text's
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/prometheus.sh
source "$system_root/tests/lib/prometheus.sh"

runbooks=$system_root/deploy/runbooks.md
alerts=$system_root/deploy/prometheus/alerts.yml

# blocks_of LANGUAGE FILE prints what stands in its fenced blocks.
blocks_of() {
    awk -v start="\`\`\`$1" '$0 == start {on = 1; next} /^```/ {on = 0} on' "$2"
}

# judge_alerts, judge_names, judge_statements and judge_commands FILE ALERTS print what is wrong with these runbooks.
judge_alerts() {
    local alert url part section
    diff <(sed -n 's/^ *- alert: //p' "$2" | sort) <(sed -n 's/^## \(.*\)/\1/p' "$1" | sort) |
        sed -n -e 's/^< \(.*\)/\1 has no runbook/p' -e 's/^> \(.*\)/there is no alert \1/p'
    while read -r alert url; do
        [[ $url == "deploy/runbooks.md#${alert,,}" ]] || say "the runbook_url of $alert is $url"
    done < <(awk '$2 == "alert:" {alert = $3} $1 == "runbook_url:" {print alert, $2}' "$2")
    [[ $(grep -c '^ *- alert:' "$2") == $(grep -c '^ *runbook_url:' "$2") ]] || say "an alert has no runbook_url"
    while read -r alert; do
        section=$(awk -v start="## $alert" '$0 == start {on = 1; next} /^## / {on = 0} on' "$1")
        for part in Means. Look. Do. Over; do
            grep -q "^\*\*$part\*\* " <<<"$section" || say "$alert does not say: $part"
        done
    done < <(sed -n 's/^## //p' "$1")
    while read -r url; do
        grep -qix "## $url" "$1" || say "no heading #$url"
    done < <(grep -oE '\]\(#[^)]*\)' "$1" | sed -E 's/^..#|\)$//g; s/\(#//' | sort -u)
    while read -r url; do
        [[ -e $system_root/deploy/$url ]] || say "there is no file $url"
    done < <(grep -oE '\]\([^)#]*\)' "$1" | sed -E 's/^\]\(|\)$//g' | sort -u)
}

# Commands, tables and functions, metrics and settings that the text names.
judge_names() {
    local name
    comm -23 <(grep -oE '`outbox-relay [a-z]+' "$1" | sed 's/.* //' | sort -u) \
        <("$relay" help commands | sed -nE 's/^\| `([a-z]+)`.*/\1/p' | sort) | sed 's/^/there is no command /'
    comm -23 <(grep -oE '\boutbox_relay_[a-z_]+' "$1" | sort -u) \
        <("$relay" help metrics | grep -oE '\boutbox_relay_[a-z_]+' | sort -u) | sed 's/^/there is no metric /'
    comm -23 <(grep -oE '\b(OUTBOX|AWS)_[A-Z_]+|\bDATABASE_URL' "$1" | sort -u) \
        <("$relay" help settings | grep -oE '\b(OUTBOX|AWS)_[A-Z0-9_]+|\bDATABASE_URL' | sort -u) | sed 's/^/there is no setting /'
    while read -r name; do
        sql_is_true "select to_regclass('$name') is not null or to_regproc('$name') is not null" || say "there is no $name"
    done < <(grep -oE '\b(outbox|inbox)\.[a-z_]+' "$1" | sort -u)
}

# The statements only look, so the role that may only look can run them.
judge_statements() {
    {
        say 'begin read only;'
        blocks_of sql "$1"
        say 'rollback;'
    } >"$system_dir/statements.sql"
    PGUSER=onlooker psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file "$system_dir/statements.sql" 2>&1 >/dev/null | sed 's/^/statements: /'
}

# Each command runs: 8 says that something was found. Its options are its own; curl's addresses are served.
judge_commands() {
    local command status line
    while read -r command; do
        status=0
        line=${command//localhost:9465/$OUTBOX_LISTEN}
        line=${line/#curl /curl --silent --show-error --fail }
        case $line in
            curl* | outbox-relay*) PATH=$relay_build:$PATH bash -c "$line" >"$system_dir/command.log" 2>&1 || status=$? ;;
            *) status="neither outbox-relay nor curl" ;;
        esac
        [[ $status == [08] ]] || say "$command: $status $(head -n 1 "$system_dir/command.log")"
    done < <(blocks_of sh "$1" | sort -u)
}

# mistake PART WHAT PATTERN SED [ALERTS_SED]: with them applied, the runbooks (or the alerts) are refused by judge_PART.
mistake() {
    sed -E "$4" "$runbooks" >"$system_dir/wrong.md"
    sed -E "${5:-}" "$alerts" >"$system_dir/wrong.yml"
    ! { cmp --silent "$runbooks" "$system_dir/wrong.md" && cmp --silent "$alerts" "$system_dir/wrong.yml"; } ||
        fail "the mistake changes nothing: $2"
    assert_match "refused: $2" "$3" "$("judge_$1" "$system_dir/wrong.md" "$system_dir/wrong.yml")"
}

system_begin
system_postgres
system_database runbooks
"$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1 || fail "migrate up --inbox failed"
sql 'create role onlooker login; grant outbox_reader, pg_read_all_stats to onlooker'
system_fake
fake_control POST topics '{"name":"events"}' >/dev/null
relay_start relay OUTBOX_LISTEN=127.0.0.1:0
relay_wait_ready relay
OUTBOX_LISTEN=$(metrics_address relay)
export OUTBOX_LISTEN

for part in alerts names statements commands; do
    assert_equal "nothing is wrong with their $part" "" "$("judge_$part" "$runbooks" "$alerts")"
done
assert_equal "an alert has one" "$(grep -c '^ *- alert:' "$alerts")" "$(grep -c '^## Outbox' "$runbooks")"

mistake alerts "an alert without a runbook" 'OutboxBlocked has no runbook' 's/^## OutboxBlocked$/### OutboxBlocked/'
mistake alerts "a runbook_url that leads elsewhere" 'the runbook_url of OutboxBlocked is' '' 's/#outboxblocked/#blocked/'
mistake alerts "a runbook without its end" 'OutboxThrottled does not say: Over' '/^## OutboxThrottled/,/^## OutboxEvents/ s/^\*\*Over\*\*/Over/'
mistake names "a command that there is not" 'there is no command unpark' 's/`outbox-relay resume TOPIC`/`outbox-relay unpark TOPIC`/'
mistake commands "an option that there is not" "outbox-relay retry --like 'order.\*\*': 2" 's/^(outbox-relay retry --)pattern/\1like/'
mistake names "a view that there is not" 'there is no outbox.blocked' 's/outbox\.blockers/outbox.blocked/'
mistake statements "a column that there is not" 'statements: .*column "oldest" does not exist' 's/pending, oldest_pending/pending, oldest/'
mistake names "a metric that there is not" 'there is no metric outbox_relay_resting' 's/outbox_relay_topic_resting/outbox_relay_resting/'
mistake names "a setting that there is not" 'there is no setting OUTBOX_RATE' 's/OUTBOX_RATE_LIMIT/OUTBOX_RATE/'
mistake commands "an address that is not served" 'localhost:9465/alivez: 22' 's,9465/livez,9465/alivez,'
mistake statements "a statement that changes something" 'statements: .*read-only transaction' 's/^SELECT \* FROM outbox.state;/DELETE FROM outbox.event;/'

relay_stop relay 0
system_end
