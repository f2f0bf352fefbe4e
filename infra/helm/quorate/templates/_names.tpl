{{- define "quorate.name" -}}
{{- if contains "quorate" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-quorate" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What tells the pods of a part: a dictionary with root and component. */ -}}
{{- define "quorate.selector" -}}
app.kubernetes.io/name: quorate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "quorate.labels" -}}
{{ include "quorate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- /* Where a pod of a StatefulSet is reached: a dictionary with root, set (its name), service and ordinal. */ -}}
{{- define "quorate.host" -}}
{{- printf "%s-%d.%s.%s.svc" .set .ordinal .service .root.Release.Namespace -}}
{{- if .root.Values.cluster.domain }}.{{ .root.Values.cluster.domain }}{{ end -}}
{{- end -}}

{{- define "quorate.memberHost" -}}
{{- $name := include "quorate.name" .root -}}
{{- include "quorate.host" (dict "root" .root "set" $name "service" (printf "%s-peers" $name) "ordinal" .ordinal) -}}
{{- end -}}

{{- define "quorate.clientScheme" -}}
{{- if .Values.tls.client.secretName }}https{{ else }}http{{ end -}}
{{- end -}}

{{- define "quorate.peerScheme" -}}
{{- if .Values.tls.peer.secretName }}https{{ else }}http{{ end -}}
{{- end -}}

{{- /* Members as --initial-cluster takes them: so many, from ordinal 0. */ -}}
{{- define "quorate.initialCluster" -}}
{{- $root := .root -}}
{{- $parts := list -}}
{{- range $ordinal := until (int .count) -}}
{{- $host := include "quorate.memberHost" (dict "root" $root "ordinal" $ordinal) -}}
{{- $parts = append $parts (printf "%s-%d=%s://%s:2380" (include "quorate.name" $root) $ordinal (include "quorate.peerScheme" $root) $host) -}}
{{- end -}}
{{- join "," $parts -}}
{{- end -}}

{{- define "quorate.brokerUrls" -}}
{{- $root := . -}}
{{- $set := printf "%s-brokers" (include "quorate.name" .) -}}
{{- $parts := list -}}
{{- range $ordinal := until (int .Values.brokers.replicas) -}}
{{- $parts = append $parts (printf "nats://%s:4222" (include "quorate.host" (dict "root" $root "set" $set "service" $set "ordinal" $ordinal))) -}}
{{- end -}}
{{- join "," $parts -}}
{{- end -}}

{{- define "quorate.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
