{{- /* The configuration file of one member: a dictionary with root and ordinal. */ -}}
{{- define "quorate.memberSettings" -}}
{{- $values := .root.Values -}}
{{- $host := include "quorate.memberHost" . -}}
{{- $isFounder := lt (int .ordinal) (int $values.members.founders) -}}
name: {{ include "quorate.name" .root }}-{{ .ordinal }}
initial-advertise-peer-urls: {{ include "quorate.peerScheme" .root }}://{{ $host }}:2380
advertise-client-urls: {{ include "quorate.clientScheme" .root }}://{{ $host }}:2379
{{- if $isFounder }}
initial-cluster-state: new
initial-cluster: {{ include "quorate.initialCluster" (dict "root" .root "count" $values.members.founders) }}
{{- else }}
initial-cluster-state: existing
initial-cluster: {{ include "quorate.initialCluster" (dict "root" .root "count" (add .ordinal 1)) }}
{{- end }}
{{ include "quorate.sharedSettings" .root }}
{{- end -}}

{{- /* What all members are told alike. When this changes they are restarted one by one; not when their number does. */ -}}
{{- define "quorate.sharedSettings" -}}
{{- $tls := .Values.tls -}}
initial-cluster-token: {{ .Values.cluster.token }}
data-dir: /data/quorate
listen-client-urls: {{ include "quorate.clientScheme" . }}://0.0.0.0:2379
listen-peer-urls: {{ include "quorate.peerScheme" . }}://0.0.0.0:2380
listen-metrics-urls: http://0.0.0.0:2381
{{- if eq .Values.topology "external" }}
nats-url: {{ include "quorate.brokerUrls" . }}
{{- end }}
{{- if $tls.client.secretName }}
client-transport-security:
  cert-file: /tls/client/tls.crt
  key-file: /tls/client/tls.key
  {{- if $tls.client.clientAuth }}
  trusted-ca-file: /tls/client/ca.crt
  client-cert-auth: true
  {{- end }}
{{- end }}
{{- if $tls.peer.secretName }}
peer-transport-security:
  cert-file: /tls/peer/tls.crt
  key-file: /tls/peer/tls.key
  trusted-ca-file: /tls/peer/ca.crt
  client-cert-auth: true
{{- end }}
{{- range $name, $value := .Values.members.settings }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}
