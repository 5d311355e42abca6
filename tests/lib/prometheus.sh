# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Prometheus and promtool for tests, and the metrics of relays and consumers. Meant to be sourced after common.sh and
# packages.sh, or system.sh.
# shellcheck disable=SC2154 # system_dir is set there

prometheus_folder=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/prometheus

# prometheus_need puts prometheus and promtool into the PATH: those of this machine, or those of Debian's package,
# unpacked in build/prometheus. (Installed, the package would start a server.)
prometheus_need() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null && return
    mkdir -p "$prometheus_folder"
    export PATH=$PATH:$prometheus_folder/usr/bin
    (
        flock 9
        [[ ! -x $prometheus_folder/usr/bin/promtool ]] || exit 0
        cd "$prometheus_folder" || exit
        apt-get --quiet download prometheus >download.log 2>&1 ||
            { packages_refresh && apt-get --quiet download prometheus; } >download.log 2>&1 || {
            tail -n 20 download.log >&2
            fail "Debian's package prometheus cannot be downloaded: put prometheus and promtool into the PATH"
        }
        dpkg --extract prometheus_*.deb .
        rm -rf prometheus_*.deb etc var lib usr/share
    ) 9>"$prometheus_folder/lock"
}

# metrics_address NAME prints where the relay or consumer of that name listens, once it does; metrics_scrape NAME prints
# its metrics.
metrics_address() {
    wait_for 20 "$1 listens" grep -q ' listening address=' "$system_dir/$1.log"
    sed -n 's/.* listening address=//p' "$system_dir/$1.log"
}
metrics_scrape() { curl --silent --show-error --fail --max-time 10 "http://$(metrics_address "$1")/metrics"; }

# metric NAME SERIES prints a value: metric relay 'outbox_relay_published_total{topic="arn:…"}'; nothing where there is
# none. metric_sum NAME FAMILY adds up all series. metric_is NAME SERIES VALUE compares.
metric() { metrics_scrape "$1" | awk -v series="$2" 'index($0, series " ") == 1 {print substr($0, length(series) + 2)}'; }
metric_sum() { metrics_scrape "$1" | awk -v family="$2" '{split($1, part, "{")} part[1] == family {sum += $NF} END {print sum + 0}'; }
metric_is() { [[ $(metric "$1" "$2") == "$3" ]]; }
metric_is_positive() { [[ $(metric "$1" "$2") =~ [1-9] ]]; }

# assert_metric WHAT NAME SERIES VALUE, and assert_metrics_lint NAME: promtool has nothing to say against them.
assert_metric() { assert_equal "$1" "$4" "$(metric "$2" "$3")"; }
assert_metrics_lint() {
    local complaints
    complaints=$(metrics_scrape "$1" | promtool check metrics 2>&1) || complaints+=" (exit code $?)"
    assert_equal "promtool has nothing to say against the metrics of $1" "" "$complaints"
}
