#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the alerts of deploy/prometheus as an object of the Prometheus operator. After a change there:
#
#     deploy/kubernetes/prometheusrule.sh >deploy/kubernetes/overlays/monitoring/prometheusrule.yaml
set -euo pipefail

cat <<'END'
# SPDX-License-Identifier: Apache-2.0
# Made by prometheusrule.sh; do not change it here.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: outbox-relay
  labels:
    app.kubernetes.io/name: outbox-relay
spec:
END
sed -n '/^groups:/,$ s/^\(.\)/  \1/p; /^groups:/,$ { /^$/p }' "${BASH_SOURCE[0]%/*}/../prometheus/alerts.yml"
