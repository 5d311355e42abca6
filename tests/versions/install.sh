#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh DIR puts the PostgreSQL versions that are supported, but for Debian's own, into DIR, from npm, with the pgTAP of
# this machine: DIR/14/bin and so on hold their server programs. (For x86-64.)
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
dir=${1:?usage: install.sh DIR}

# npm packages have no symbolic links; a list says where they belong.
link='
for (const { source, target } of JSON.parse(fs.readFileSync("pg-symlinks.json"))) {
    const [from, to] = [source, target].map((name) => name.replace(/^native\//, ""));
    fs.rmSync(to, { force: true });
    fs.symlinkSync(path.relative(path.dirname(to), from), to);
}'

mkdir -p "$dir"
cp "$here/package.json" "$here/package-lock.json" "$dir"
cd "$dir"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
for version in 14 16 17 18; do
    rm -rf "$version"
    mv "node_modules/postgresql-$version/native" "$version"
    (cd "$version" && node --eval "$link")
    cp /usr/share/postgresql/*/extension/pgtap* "$version/share/postgresql/extension/"
done
