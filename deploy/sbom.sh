#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sbom.sh PROGRAM [FILE] writes a bill of materials of a built program (CycloneDX 1.5, JSON) to FILE or standard output:
# the program, and each shared library that it loads on this Debian or Ubuntu machine, with its package, version and
# hash. Licences are those of the libraries that it is built on; of others it says what the package's copyright file has
# for its sources at large, which may be another than the library's. The same files give the same bytes;
# SOURCE_DATE_EPOCH (seconds) dates it. Needs dpkg and jq.
set -euo pipefail

fail() {
    printf 'sbom.sh: %s\n' "$*" >&2
    exit 1
}

# libraries PROGRAM prints the libraries it loads, the dynamic loader among them.
libraries() {
    local all
    all=$(ldd "$1") || fail "$1 is no program that is linked to shared libraries"
    [[ $all != *'not found'* ]] || fail "libraries of $1 are missing: $(sed -n 's/ => not found//p' <<<"$all" | xargs)"
    sed -nE -e 's/^.* => (\/[^ ]+) .*$/\1/p' -e 's/^[[:space:]]*(\/[^ ]+) .*$/\1/p' <<<"$all" | sort --unique
}

# package_of FILE prints the package that installed it. On a merged /usr dpkg may know the path without it.
package_of() {
    local path
    path=$(realpath "$1")
    { dpkg-query --search "$path" 2>/dev/null || dpkg-query --search "${path#/usr}"; } | sed 's/: .*//' | head -n 1
}

declare -A licences=([libc6]=LGPL-2.1-or-later [libcjson1]=MIT [libcurl4]=curl [libevent-core-2.1-7]=BSD-3-Clause
    [libexpat1]=MIT [libmicrohttpd12]=LGPL-2.1-or-later [libpq5]=PostgreSQL [libssl3]=Apache-2.0)

# sources_licence_of PACKAGE prints what its copyright file (debian.org/doc/packaging-manuals/copyright-format/1.0) has
# for files that it does not name; nothing when it is not in that form.
sources_licence_of() {
    local file=/usr/share/doc/${1%%:*}/copyright
    [[ -r $file ]] || return 0
    sed -nE '1{/^Format/!q}; /^Files:[[:space:]]*\*[[:space:]]*$/,/^[[:space:]]*$/{s/^License:[[:space:]]*(.+)$/\1/p}' "$file" | head -n 1
}

hash_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# component FILE prints the JSON of a library.
component() {
    local package version architecture system
    package=$(package_of "$1")
    [[ $package ]] || fail "no package has installed $1"
    # shellcheck disable=SC2016 # dpkg's variables
    IFS=' ' read -r version architecture < <(dpkg-query --show --showformat='${Version} ${Architecture}\n' "$package")
    system=$(. /etc/os-release && printf '%s' "$ID-$VERSION_ID")
    jq --null-input --arg file "$1" --arg package "${package%%:*}" --arg version "$version" --arg architecture "$architecture" \
        --arg system "$system" --arg hash "$(hash_of "$1")" --arg licence "${licences[${package%%:*}]:-}" \
        --arg sources "$(sources_licence_of "$package")" '
        "pkg:deb/\($system | split("-")[0])/\($package)@\($version | @uri)?arch=\($architecture)&distro=\($system)" as $purl |
        {type: "library", "bom-ref": ($purl + "#" + $file), name: $package, version: $version, purl: $purl,
         hashes: [{alg: "SHA-256", content: $hash}],
         evidence: {occurrences: [{location: $file}]}}
        + if $licence == "" then {} else {licenses: [{license: {id: $licence}}]} end
        + if $sources == "" then {} else {properties: [{name: "debian:copyright:sources", value: $sources}]} end'
}

components() {
    local library
    while read -r library; do
        component "$library"
    done < <(libraries "$1")
}

bill() {
    local version time
    version=$("$1" version) || fail "$1 does not say its version"
    time=$(date --utc --date="@${SOURCE_DATE_EPOCH:-$(stat --format=%Y "$1")}" +%Y-%m-%dT%H:%M:%SZ)
    components "$1" | jq --slurp --arg version "${version##* }" --arg time "$time" --arg hash "$(hash_of "$1")" '
        "pkg:generic/outbox-relay@\($version)" as $self |
        {"$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
         metadata: {timestamp: $time,
                    component: {type: "application", "bom-ref": $self, name: "outbox-relay", version: $version, purl: $self,
                                hashes: [{alg: "SHA-256", content: $hash}], licenses: [{license: {id: "Apache-2.0"}}]}},
         components: ., dependencies: [{ref: $self, dependsOn: map(."bom-ref")}]}'
}

(($# == 1 || $# == 2)) || fail "usage: sbom.sh PROGRAM [FILE]"
[[ -x $1 ]] || fail "$1 is no program: build it first"
bill=$(bill "$1")
if (($# == 2)); then
    printf '%s\n' "$bill" >"$2"
else
    printf '%s\n' "$bill"
fi
