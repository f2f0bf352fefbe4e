{{- define "quorate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "quorate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Probes are answered on the metrics port: it needs no certificate, and the kubelet has none. */ -}}
{{- define "quorate.probes" -}}
# A member that is new, or that fetches a state, waits for others; so much patience keeps it from being stopped meanwhile.
startupProbe:
  httpGet:
    path: /livez
    port: metrics
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 120
readinessProbe:
  httpGet:
    path: /readyz
    port: metrics
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 3
# A process that hangs. One that cannot go on ends by itself.
livenessProbe:
  httpGet:
    path: /livez
    port: metrics
  periodSeconds: 10
  timeoutSeconds: 15
  failureThreshold: 8
{{- end -}}

{{- /* Keeps the pods of a part off each other's nodes: a dictionary with root and component. */ -}}
{{- define "quorate.antiAffinity" -}}
{{- $how := .root.Values.members.antiAffinity -}}
{{- if eq $how "required" }}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "quorate.selector" . | nindent 10 }}
{{- else if eq $how "preferred" }}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "quorate.selector" . | nindent 12 }}
{{- end }}
{{- end -}}

{{- define "quorate.spread" -}}
{{- if .root.Values.members.spreadOver -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ .root.Values.members.spreadOver }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "quorate.selector" . | nindent 8 }}
{{- end }}
{{- end -}}
