{{/* Names and labels that several templates share. */}}

{{/* <release>-operator, or the release's name when it ends so already. */}}
{{- define "operator.name" -}}
{{- $release := .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- if hasSuffix "operator" $release }}{{ $release }}{{ else }}{{ $release }}-operator{{ end -}}
{{- end -}}

{{- define "operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "operator.name" .) }}
{{- else }}{{ required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* What selectors match: may never change for a release. */}}
{{- define "operator.selector" -}}
app.kubernetes.io/name: supportplane-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: supportplane
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "operator.image" -}}
{{- $image := .Values.image -}}
{{- $repository := $image.repository -}}
{{- if and .Values.imageRegistry (not (hasPrefix (printf "%s/" .Values.imageRegistry) $repository)) -}}
{{- $repository = printf "%s/%s" .Values.imageRegistry (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") -}}
{{- end -}}
{{- if $image.digest }}{{ $repository }}@{{ $image.digest }}
{{- else }}{{ $repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "operator.signingKeySecret" -}}
{{- .Values.signingKey.existingSecret | default (printf "%s-signing-key" (include "operator.name" .)) -}}
{{- end -}}

{{/* The key itself: the one in the cluster if there is one, so that upgrades keep it. Made once a rendering. */}}
{{- define "operator.signingKey" -}}
{{- if not .Values.signingKey.made -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "operator.signingKeySecret" .) | default dict -}}
{{- $kept := get ($secret.data | default dict) .Values.signingKey.key -}}
{{- $_ := set .Values.signingKey "made" ($kept | default (genPrivateKey "ed25519" | b64enc)) -}}
{{- end -}}
{{- .Values.signingKey.made -}}
{{- end -}}

{{/* Of what has no namespace: two releases of one name in two namespaces do not meet. */}}
{{- define "operator.clusterName" -}}
{{ .Release.Namespace }}:{{ include "operator.name" . }}
{{- end -}}

{{- define "operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "operator.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
