{{/* The operator's environment: the fields of supportplane_operator.settings that this installation sets. */}}
{{- define "operator.environment" -}}
- name: SUPPORTPLANE_OPERATOR_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: SUPPORTPLANE_OPERATOR_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: SUPPORTPLANE_OPERATOR_SIGNING_KEY_FILE
  value: /etc/supportplane-operator/signing-key.pem
- name: SUPPORTPLANE_OPERATOR_WATCH_NAMESPACES
  value: {{ .Values.watchNamespaces | toJson | quote }}
- name: SUPPORTPLANE_OPERATOR_METRICS_PORT
  value: "8082"
- name: SUPPORTPLANE_OPERATOR_HEALTH_PORT
  value: "8083"
- name: SUPPORTPLANE_OPERATOR_LOG_LEVEL
  value: {{ .Values.settings.logLevel }}
- name: SUPPORTPLANE_OPERATOR_IMAGE_PULL_POLICY
  value: {{ .Values.agents.imagePullPolicy }}
{{- $optional := dict
  "IMAGE_REGISTRY" .Values.imageRegistry
  "RUNTIME_IMAGE" .Values.agents.runtimeImage
  "REDIS_IMAGE" .Values.agents.redisImage
  "WEAVIATE_IMAGE" .Values.agents.weaviateImage
  "RUNBOOKS_URL" .Values.metrics.runbooksURL
  "RESYNC_S" .Values.settings.resyncSeconds
  "STATUS_INTERVAL_S" .Values.settings.statusIntervalSeconds
  "WORKERS" .Values.settings.workers
  "LEASE_SECONDS" .Values.settings.leaseSeconds }}
{{- range $name, $value := $optional }}
{{- if $value }}
- name: SUPPORTPLANE_OPERATOR_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- $lists := dict
  "IMAGE_PULL_SECRETS" .Values.agents.imagePullSecrets
  "DATABASE_PORTS" .Values.agents.networkPolicies.databasePorts
  "CACHE_PORTS" .Values.agents.networkPolicies.cachePorts
  "API_SERVER_CIDRS" .Values.agents.networkPolicies.apiServerCIDRs
  "MONITORING_LABELS" .Values.agents.networkPolicies.monitoringNamespaceLabels }}
{{- range $name, $value := $lists }}
{{- if $value }}
- name: SUPPORTPLANE_OPERATOR_{{ $name }}
  value: {{ $value | toJson | quote }}
{{- end }}
{{- end }}
{{- end -}}
