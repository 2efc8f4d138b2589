import test from 'ava';
import { eventually } from '../support/eventually.js';
import { SluiceCommand } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';

/** What a server prints that is ready and then told to end, with every module that Node loads for it. */
async function modulesOf(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  await using repository = await TestRepository.create();
  const free = ['--grpc-address', '127.0.0.1:0', '--http-address', '127.0.0.1:0'];
  const server = new SluiceCommand(['serve', '--model-repository', repository.directory, ...free, ...flags], {
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
    NODE_DEBUG: 'module',
    ...environment,
  });
  await eventually('the server is started', () => server.stdout.includes('"started"'));
  server.signal('SIGTERM');
  const { code, stderr } = await server.ended();
  if (code !== 0) throw new Error(`the server ended with ${code}`);
  return stderr;
}

test('Without a collector nothing that could send traces is even loaded', async (t) => {
  t.false((await modulesOf([])).includes('exporter-trace-otlp'));
  const collector = 'http://127.0.0.1:9/v1/traces';
  t.false(
    (await modulesOf([], { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_SDK_DISABLED: 'true' })).includes(
      'exporter-trace-otlp',
    ),
  );
  t.true((await modulesOf(['--trace-endpoint', collector])).includes('exporter-trace-otlp'), 'it would be seen');
});

test('A collector that is no URL is told of by the name of its flag', async (t) => {
  const wrong = new SluiceCommand(['serve'], { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' });
  const { code, stderr } = await wrong.ended();
  t.is(code, 2);
  t.regex(stderr, /--trace-endpoint: expected an http:\/\/ or https:\/\/ URL, found collector:4318\/v1\/traces/);
});
