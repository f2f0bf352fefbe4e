{{- /* Rules between values, which the schema cannot tell. */ -}}
{{- define "quorate.rules" -}}
{{- $tls := .Values.tls -}}
{{- if and (not $tls.insecure) (not $tls.client.secretName) -}}
{{- fail "tls.client.secretName: name the Secret with the certificate for clients (tls.crt, tls.key, ca.crt), or set tls.insecure to true where the network is trusted" -}}
{{- end -}}
{{- if and (eq .Values.topology "stacked") (not $tls.insecure) (not $tls.peer.secretName) -}}
{{- fail "tls.peer.secretName: name the Secret with the members' certificate (tls.crt, tls.key, ca.crt), or set tls.insecure to true where the network is trusted" -}}
{{- end -}}
{{- if and (eq .Values.topology "external") (not $tls.insecure) -}}
{{- fail "topology: external speaks to brokers in the clear, which only a trusted network may carry: set tls.insecure to true, or use stacked" -}}
{{- end -}}
{{- if and (eq (int .Values.members.founders) 1) (gt (int .Values.members.replicas) 1) -}}
{{- fail "members.founders: set it to 0 once a cluster of one grows; as 1, the first member would found the cluster anew if it lost its volume" -}}
{{- end -}}
{{- end -}}
