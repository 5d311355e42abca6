# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What deploy/kubernetes and deploy/helm make, for tests: built, validated, and their containers run here. Meant to be sourced
# after system.sh and packages.sh.
# shellcheck disable=SC2154 # system_root, system_dir and relay are set there

kubernetes_folder=$system_root/build/kubernetes-client
helm_chart=$system_root/deploy/helm/outbox-relay

# kubernetes_begin installs the validator and asks the program which settings there are.
kubernetes_begin() {
    npm_install "$system_root/tests/deploy" "validators of deploy/"
    "$relay" help settings | grep -oE '\b(OUTBOX|AWS)_[A-Z0-9_]+' | sort -u >"$system_dir/settings"
}

# kubectl_old sets kubectl to that of Debian's package (1.20, kustomize 2.0), unpacked in build/; false where there is no
# such package. kubectl_new prints a newer one's path, or nothing.
kubectl_old() {
    kubectl=$kubernetes_folder/usr/bin/kubectl
    mkdir -p "$kubernetes_folder"
    (
        flock 9
        [[ ! -x $kubectl ]] || exit 0
        cd "$kubernetes_folder" || exit
        apt-get --quiet download kubernetes-client >download.log 2>&1 ||
            { packages_refresh && apt-get --quiet download kubernetes-client; } >download.log 2>&1 || exit
        dpkg --extract kubernetes-client_*.deb .
        rm -rf kubernetes-client_*.deb etc usr/share
    ) 9>"$kubernetes_folder/lock"
}
kubectl_new() {
    local path
    path=$(command -v kubectl) || return 0
    # Kustomize 4 (kubectl 1.21) has the names of today.
    ! "$path" version --client --output json 2>/dev/null | jq --exit-status '.clientVersion.minor | sub("[^0-9].*"; "") | tonumber > 20' >/dev/null ||
        printf '%s\n' "$path"
}

# kubernetes_check [OPTION...] FILE... prints what check.mjs says of the objects in the files.
kubernetes_check() {
    node "$system_root/tests/deploy/kubernetes/check.mjs" --settings "$system_dir/settings" "$@" 2>&1
}

# helm_begin builds the renderer. helm_render NAME [VALUES...] renders the chart (helm_chart) into NAME.json and NAME.yaml of
# system_dir and holds the values against its schema; false, with a message, when Helm would refuse.
helm_begin() {
    GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$system_dir/render" "$system_root/tests/deploy/helm/render.go"
}
helm_render() {
    local to=$system_dir/$1
    "$system_dir/render" "$helm_chart" "${@:2}" >"$to.json" || return
    node "$system_root/tests/deploy/helm/values.mjs" "$helm_chart/values.schema.json" "$to.json" || return
    jq --raw-output '.manifests[] | "---\n# \(.path)\n\(.text)"' "$to.json" >"$to.yaml"
}

# container_read FILE KIND NAME [OPTION...] sets container_args and container_env (NAME=VALUE) to what Kubernetes would start
# the container with, container_probes (JSON) to its probes and container_grace to the pod's seconds: see container.mjs, which
# has the options.
# shellcheck disable=SC2034 # for the tests
container_read() {
    local line
    container_args=() container_env=()
    while IFS= read -r -d '' line; do
        case $line in
            arg\ *) container_args+=("${line#arg }") ;;
            env\ *) container_env+=("${line#env }") ;;
            probes\ *) container_probes=${line#probes } ;;
            grace\ *) container_grace=${line#grace } ;;
        esac
    done < <(node "$system_root/tests/deploy/kubernetes/container.mjs" "$@")
    ((${#container_args[@]})) || fail "container.mjs failed: $*"
}

# container_start NAME runs it in the background, as a user without rights where we may choose: relay_wait and others of
# system.sh know it by NAME. container_run runs it to its end.
container_start() {
    process_start "$system_dir/$1.pid" "$system_dir/$1.log" "${as_nobody[@]}" env --ignore-environment "PATH=$PATH" \
        "HOME=/" "${container_env[@]}" "$relay" "${container_args[@]}"
    printf -v "relay_pid_$1" '%s' "$process_id"
}
container_run() { "${as_nobody[@]}" env --ignore-environment "PATH=$PATH" HOME=/ "${container_env[@]}" "$relay" "${container_args[@]}"; }
as_nobody=()
((EUID != 0)) || as_nobody=(setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all)

# container_probe PROBE PORT is whether that probe of the container succeeds now, at its own path and with its own time
# limit. container_wait_probe PROBE PORT asks as often as the probe says, as many times as it may fail.
container_probe() {
    [[ $(curl --silent --output /dev/null --write-out '%{http_code}' --max-time "$(probe_field "$1" timeoutSeconds 1)" \
        "http://127.0.0.1:$2$(probe_field "$1" httpGet.path '')" || true) == 200 ]]
}
container_wait_probe() {
    local left period
    left=$(probe_field "$1" failureThreshold 3) period=$(probe_field "$1" periodSeconds 10)
    until container_probe "$1" "$2"; do
        ((--left > 0)) || return 1
        sleep "$period"
    done
}
probe_field() { jq --raw-output --arg probe "$1" --arg other "$3" ".[\$probe].$2 // \$other" <<<"$container_probes"; }

# port_free prints a port that nobody listens at.
port_free() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
