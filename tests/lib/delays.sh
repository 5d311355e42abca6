# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The delay from commit to receipt. Meant to be sourced.

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
