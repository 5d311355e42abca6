#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the relay's SigV4 signer with two others on pseudo-random requests.
#     tests/sigv4/run.sh BUILD_DIR [COUNT] [SEED]
# BUILD_DIR holds the built program sigv4_sign. Needs node 18 or newer, and npm for the two libraries.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: ${0##*/} BUILD_DIR [COUNT] [SEED]" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
shift

signer=$build/tests/sigv4_sign
if [ ! -x "$signer" ]; then
    echo "sigv4: $signer is missing: build it with cmake --build $build --target sigv4_sign" >&2
    exit 1
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
exec node compare.mjs "$signer" "$@"
