{{- define "outbox-relay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "outbox-relay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "outbox-relay.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "outbox-relay.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a component; never changes: a Deployment's selector cannot. Takes {root, component}. */}}
{{- define "outbox-relay.selectorLabels" -}}
app.kubernetes.io/name: {{ include "outbox-relay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "outbox-relay.labels" -}}
{{ include "outbox-relay.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "outbox-relay.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "outbox-relay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "outbox-relay.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The variable DATABASE_URL, from a Secret: a consumer's own, else that of all. Empty where there is none. Takes {root, own}. */}}
{{- define "outbox-relay.databaseEnv" -}}
{{- $database := .root.Values.database -}}
{{- $name := ternary "" (printf "%s-database" (include "outbox-relay.fullname" .root)) (empty $database.url) -}}
{{- $key := "url" -}}
{{- range list $database (default (dict) .own.database) -}}
{{- if .existingSecret -}}
{{- $name = .existingSecret -}}
{{- $key = .existingSecretKey -}}
{{- end -}}
{{- end -}}
{{- if $name -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $name }}
      key: {{ $key }}
{{- end -}}
{{- end -}}

{{/*
A pod's part that is the same for all. Takes {root, component, own}: own is what the values say of relay or consumer.
*/}}
{{- define "outbox-relay.podDefaults" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ default (include "outbox-relay.serviceAccountName" .root) .own.serviceAccountName }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* Where pods run. Takes {root, component, own}. */}}
{{- define "outbox-relay.placement" -}}
terminationGracePeriodSeconds: {{ int .own.terminationGracePeriodSeconds }}
{{- with .own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if .own.topologySpreadConstraints }}
  {{- toYaml .own.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "outbox-relay.selectorLabels" $ | nindent 8 }}
  {{- end }}
  {{- end }}
{{- with .own.extraVolumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Environment, probes, resources and rights of a container. Takes {root, config, own}. */}}
{{- define "outbox-relay.container" -}}
image: {{ include "outbox-relay.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
envFrom:
  - configMapRef:
      name: {{ .config }}
  {{- with .own.envFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $database := include "outbox-relay.databaseEnv" . }}
{{- if or $database .own.extraEnv }}
env:
  {{- with $database }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .own.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
resources:
  {{- toYaml .own.resources | nindent 2 }}
securityContext:
  {{- toYaml .root.Values.securityContext | nindent 2 }}
{{- with .own.extraVolumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A headless Service for Prometheus: each replica has its own figures. Takes {root, component, name}. */}}
{{- define "outbox-relay.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "outbox-relay.labels" . | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "outbox-relay.selectorLabels" . | nindent 4 }}
  ports:
    - name: admin
      port: {{ int .root.Values.adminPort }}
      targetPort: admin
{{- end -}}

{{/* Takes {root, component, name, own}. */}}
{{- define "outbox-relay.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels:
    {{- include "outbox-relay.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .own.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "outbox-relay.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* A duration as the program reads it (25s, 500ms, 2m), in whole seconds, rounded down. */}}
{{- define "outbox-relay.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" }}{{ div $number 1000 }}
{{- else if eq $unit "m" }}{{ mul $number 60 }}
{{- else if eq $unit "h" }}{{ mul $number 3600 }}
{{- else }}{{ $number }}
{{- end -}}
{{- end -}}

{{/* Refuses a grace period in which the program cannot stop. Takes {where, own}. */}}
{{- define "outbox-relay.checkGrace" -}}
{{- $timeout := include "outbox-relay.seconds" (toString (default "25s" (get .own.env "OUTBOX_SHUTDOWN_TIMEOUT"))) | int -}}
{{- if le (int .own.terminationGracePeriodSeconds) (add $timeout 2 | int) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d: it must be more than OUTBOX_SHUTDOWN_TIMEOUT (%d s) and 2 s for the last of it" .where (int .own.terminationGracePeriodSeconds) $timeout) -}}
{{- end -}}
{{- end -}}

{{/* Ports and probes. */}}
{{- define "outbox-relay.probes" -}}
ports:
  - name: admin
    containerPort: {{ int .Values.adminPort }}
startupProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 1
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 1
{{- end -}}

{{/* The settings as a ConfigMap's data. Takes {root, env}. A number is written by toJson, as toString makes 1e+06 of it. */}}
{{- define "outbox-relay.settings" -}}
{{- $port := printf ":%d" (int .root.Values.adminPort) -}}
{{- $settings := dict "OUTBOX_LISTEN" $port "OUTBOX_LOG_LEVEL" .root.Values.log.level "OUTBOX_LOG_FORMAT" .root.Values.log.format -}}
{{- range $name, $value := merge (deepCopy .env) $settings }}
{{ $name }}: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ $value | toJson | quote }}{{ end }}
{{- end }}
{{- end -}}
