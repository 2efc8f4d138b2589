/** What of the environment OpenTelemetry defines for that. */
interface OtlpEnvironment {
  readonly OTEL_SDK_DISABLED?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
}

/** Where traces go as OpenTelemetry's own variables have it; null: they say nothing. */
export function otlpEndpoint(environment: OtlpEnvironment = process.env): string | null {
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return null;
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces = '', OTEL_EXPORTER_OTLP_ENDPOINT: base = '' } = environment;
  if (traces !== '') return traces;
  return base === '' ? null : `${base.replace(/\/+$/, '')}/v1/traces`;
}
