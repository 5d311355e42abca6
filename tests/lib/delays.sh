# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The delay from commit to receipt. Meant to be sourced after bench.sh.
# shellcheck disable=SC2154 # what bench.sh sets

# delays COMMITS ARRIVALS joins the logs of bench_load and bench_stub and prints {"count", "missing", "repeated", "p50",
# "p95", "p99", "max"}: first arrival minus commit in milliseconds. What arrived before its commit was answered counts as 0.
delays() {
    awk 'FILENAME == ARGV[1] { if (!seen[$2]++) first[$2] = $1; next }
         { repeated += (seen[$2] > 1) * (seen[$2] - 1) }
         !($2 in first) { missing++; next }
         { delay = (first[$2] - $1) / 1000; print "delay", (delay > 0 ? delay : 0) }
         END { print "sums", missing + 0, repeated + 0 }' "$2" "$1" | sort --key 1,1 --key 2,2g | awk '
         function percentile(percent) { i = int(n * percent / 100) + 1; return delay[i < n ? i : n] + 0 }
         $1 == "delay" { delay[++n] = $2; next }
         { printf "{\"count\":%d,\"missing\":%d,\"repeated\":%d,\"p50\":%g,\"p95\":%g,\"p99\":%g,\"max\":%g}\n",
               n, $2, $3, percentile(50), percentile(95), percentile(99), percentile(100) }'
}

# delays_under_load ARGUMENT... has bench_load insert events, waits until the stand-in, whose log is "$work/arrivals", has
# them all, and prints what `delays` does, with the rate that was reached.
delays_under_load() {
    local loaded
    loaded=$("$bench_build/tests/bench_load" "$@" --log "$work/commits")
    wait_until 60 all_arrived || fail "not every event has arrived"
    delays "$work/commits" "$work/arrivals" | jq --compact-output --argjson loaded "$loaded" '. + $loaded'
}
all_arrived() { [[ $(wc -l <"$work/arrivals") -ge $(wc -l <"$work/commits") ]]; }
