{{/* The name of everything that belongs to one organization. */}}
{{- define "baton-jumpcloud.fullname" -}}
{{- printf "%s-%s" (.root.Release.Name | trunc 32 | trimSuffix "-") .org.name -}}
{{- end -}}

{{- define "baton-jumpcloud.selector" -}}
app.kubernetes.io/name: baton-jumpcloud
app.kubernetes.io/instance: {{ .root.Release.Name }}
baton-jumpcloud/organization: {{ .org.name }}
{{- end -}}

{{- define "baton-jumpcloud.labels" -}}
{{ include "baton-jumpcloud.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "baton-jumpcloud.secretName" -}}
{{- .org.existingSecret | default (printf "%s-secrets" (include "baton-jumpcloud.fullname" .)) -}}
{{- end -}}

{{- define "baton-jumpcloud.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* Changes whenever the Secret changes, so that the pods roll. */}}
{{- define "baton-jumpcloud.secretChecksum" -}}
{{- if .org.existingSecret -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .org.existingSecret -}}
{{- dig "data" dict ($found | default dict) | toJson | sha256sum -}}
{{- else -}}
{{- .org.credentials | toJson | sha256sum -}}
{{- end -}}
{{- end -}}
