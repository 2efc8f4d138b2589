import test from 'ava';
import { otlpEndpoint } from '../../server/config/otlp-endpoint.js';

test('Without variables of OpenTelemetry nothing is traced', (t) => {
  t.is(otlpEndpoint({}), null);
  t.is(otlpEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '' }), null);
});

test('The endpoint of all signals gets the path of traces, that of traces is taken as it is', (t) => {
  t.is(otlpEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), 'http://c:4318/v1/traces');
  t.is(otlpEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c/otlp/' }), 'http://c/otlp/v1/traces');
  const both = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/' };
  t.is(otlpEndpoint(both), 'http://t/');
  t.is(otlpEndpoint({ ...both, OTEL_SDK_DISABLED: 'TRUE' }), null);
});
