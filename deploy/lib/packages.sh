# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian and Ubuntu packages, installed only where missing. Meant to be sourced after common.sh.

packages_build=(build-essential cmake ninja-build pkg-config libpq-dev libcurl4-openssl-dev libcjson-dev libssl-dev
    libexpat1-dev libevent-dev libmicrohttpd-dev)
packages_run=(ca-certificates curl jq)
packages_test=(libcmocka-dev clang clang-format clang-tidy cppcheck shellcheck gcovr
    libtap-parser-sourcehandler-pgtap-perl pgbouncer zip)
# Go, with the parser and evaluator of Terraform's language: tests/deploy/terraform.
packages_terraform=(golang-go golang-github-hashicorp-hcl-v2-dev golang-github-zclconf-go-cty-dev)

# packages_need_build, packages_need_servers and packages_need_tests install what is missing for a build, for the
# private PostgreSQL and emulator, and for tests/run.sh.
packages_need_build() { packages_need "${packages_build[@]}"; }
packages_need_terraform() { packages_need "${packages_terraform[@]}"; }

packages_need_servers() {
    local needed=("${packages_run[@]}")
    node_is_usable || needed+=(nodejs)
    command -v npm >/dev/null || needed+=(npm)
    packages_need "${needed[@]}"
    if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        packages_need_postgresql
    fi
    node_is_usable || fail "Node $(node --version) is too old for the SNS emulator: install Node 18.19 or newer"
}

packages_need_tests() {
    packages_need "${packages_test[@]}"
    # These two are named after the version of what they go with.
    packages_need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    packages_need "postgresql-$(postgres_major)-pgtap"
}

# packages_need PACKAGE... installs those that are missing; silent when there are none.
packages_need() {
    local missing=() package
    for package in "$@"; do
        package_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    say "installing packages: ${missing[*]}"
    packages_install "${missing[@]}"
}

package_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# The package postgresql-NN makes a cluster "main" and starts it, on port 5432. We only want the programs, so that is
# switched off while it is being installed. Clusters that exist are not touched.
packages_need_postgresql() {
    local setting=/etc/postgresql-common/createcluster.d/outbox-relay.conf status=0
    packages_need postgresql-common
    as_root install -d "${setting%/*}"
    as_root tee "$setting" >/dev/null <<<'create_main_cluster = false'
    (packages_need postgresql) || status=$?
    as_root rm -f "$setting"
    ((status == 0)) || exit "$status"
}

# Node 18.19 brought module.register, which deploy/emulator/server.mjs uses.
node_is_usable() {
    command -v node >/dev/null &&
        node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 18 || (a === 18 && b >= 19) ? 0 : 1)'
}

packages_install() {
    local log
    command -v apt-get >/dev/null || fail "apt-get is missing: install these yourself, then run this again: $*"
    log=$(mktemp)
    if ! (packages_refresh && apt_get install --yes --no-install-recommends "$@") >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "could not install: $*"
    fi
    rm -f "$log"
    packages_refreshed=yes
}

packages_refresh() { [[ ${packages_refreshed:-} ]] || apt_get update; }

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet "$@" </dev/null; }

# as_root COMMAND... runs it as root: at once, or by sudo.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "installing packages needs root: run this as root, or install sudo (the command was: $*)"
    fi
}
