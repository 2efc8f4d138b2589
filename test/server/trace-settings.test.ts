import test from 'ava';
import { eventually } from '../support/eventually.js';
import { inferMessage, KserveClient } from '../support/kserve-client.js';
import { askRest } from '../support/rest-client.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';
import { tensor } from '../support/tensors.js';
import { TraceCollector } from '../support/trace-collector.js';
import { runTritonScript } from '../support/triton-client.js';

/** Traces that are switched on and off, for all models and for single ones, and what Triton's clients say of it. */

const NOWHERE = 'http://127.0.0.1:9/v1/traces';

/** Of several processes, each has some of so many connections. */
const CONNECTIONS = 4;

function serve(processes: string, flags: readonly string[]): Promise<Serving> {
  return Serving.start(
    async (repository) => {
      for (const model of ['one', 'two']) await repository.addVersion(model, 1, identityModel());
    },
    ['--processes', processes, ...flags],
    { OTEL_BSP_SCHEDULE_DELAY: '20' },
  );
}

/** A server with clients, and what its collector has heard of them. */
class Traced implements AsyncDisposable {
  readonly #clients: readonly KserveClient[];

  private constructor(
    readonly serving: Serving,
    readonly collector: TraceCollector,
  ) {
    this.#clients = Array.from({ length: CONNECTIONS }, () => new KserveClient(serving.server.grpcAddress));
  }

  static async start(processes: string): Promise<Traced> {
    const collector = await TraceCollector.start();
    return new Traced(await serve(processes, ['--trace-endpoint', `${collector.url}/v1/traces`]), collector);
  }

  /** The settings by name, of the server or of a model. */
  async set(settings: object, model?: string): Promise<Record<string, string | string[]>> {
    const path = model === undefined ? '/v2/trace/setting' : `/v2/models/${model}/trace/setting`;
    const { status, json } = await askRest(this.serving, path, settings);
    if (status !== 200) throw new Error(JSON.stringify(json));
    return json as Record<string, string | string[]>;
  }

  /** Sends a request under that id over every connection. */
  async send(model: string, id: string): Promise<void> {
    const input = tensor('INPUT0', 'FP32', [1, 16], new Float32Array(16));
    await Promise.all(this.#clients.map((client) => client.infer(inferMessage(model, [input], { id }))));
  }

  /** Spans of requests under that id. */
  spans(id: string): number {
    const { spans } = this.collector;
    return spans.filter(({ name, attributes }) => name === 'request' && attributes['sluice.request.id'] === id).length;
  }

  /** Sends requests that are traced, and waits for their spans: what the processes sent before is there, too. */
  async sendTraced(model: string, id: string): Promise<void> {
    await this.send(model, id);
    await eventually(`all requests ${id} are traced`, () => this.spans(id) === CONNECTIONS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
    await this.serving[Symbol.asyncDispose]();
    await this.collector[Symbol.asyncDispose]();
  }
}

for (const processes of ['1', '2']) {
  const within = `with ${processes} of --processes`;

  test.serial(`Triton's own clients read and change what is traced, ${within}`, async (t) => {
    await using serving = await serve(processes, ['--trace-endpoint', NOWHERE, '--trace-sample-ratio', '0.25']);
    const { grpcAddress, httpAddress } = serving.server;
    const { code, lines, stderr } = await runTritonScript('test/server/trace_settings_client.py', [
      grpcAddress,
      httpAddress,
    ]);
    t.is(code, 0, `after "${lines.at(-1)}": ${stderr}`);
    t.is(lines.at(-1), 'the extension is told');
  });

  test.serial(`spans begin and stop with the settings of the server and of its models, ${within}`, async (t) => {
    await using traced = await Traced.start(processes);
    await traced.sendTraced('one', 'at first');
    await traced.set({ trace_level: ['OFF'] });
    await traced.send('one', 'while off');
    await traced.set({ trace_level: ['TIMESTAMPS'] }, 'two');
    await traced.send('one', 'while another is on');
    await traced.sendTraced('two', 'on its own');
    await traced.set({ trace_level: null });
    await traced.set({ trace_rate: '0' }, 'two');
    await traced.send('two', 'at rate 0');
    await traced.sendTraced('one', 'at last');
    for (const id of ['while off', 'while another is on', 'at rate 0']) t.is(traced.spans(id), 0, id);
  });

  test.serial(`trace_count is the number of requests that are traced yet, of all processes, ${within}`, async (t) => {
    await using traced = await Traced.start(processes);
    await traced.set({ trace_count: '5' });
    await traced.set({ trace_count: '3' }, 'two');
    for (let round = 0; round < 3; round++) {
      await traced.send('two', 'of two');
      await traced.send('one', 'of one');
    }
    await eventually('both are used up', async () => {
      const left = [await traced.set({}), await traced.set({}, 'two')].map((settings) => settings['trace_count']);
      return left.join() === '0,0';
    });
    await traced.set({ trace_count: null });
    await traced.set({ trace_count: null }, 'two');
    await traced.sendTraced('one', 'without a limit');
    await traced.sendTraced('two', 'without one, too');
    t.deepEqual([traced.spans('of one'), traced.spans('of two')], [5, 3]);
    const traces = 5 + 3 + 2 * CONNECTIONS;
    const calls = await traced.collector.named('inference.GRPCInferenceService/ModelInfer', traces);
    t.is(calls.length, traces, 'a call has a span where its request has one');
  });
}

test.serial('a process that takes the place of another goes by the settings that hold', async (t) => {
  await using traced = await Traced.start('2');
  await traced.set({ trace_level: ['OFF'] });
  const { log } = traced.serving.server;
  const started = () => log.filter(({ msg }) => msg === 'process started');
  for (const { pid } of started()) process.kill(Number(pid), 'SIGKILL');
  await eventually('both are replaced', () => started().length === 4);
  const path = '/v2/trace/setting';
  await eventually('they answer', async () => (await askRest(traced.serving, path)).status === 200);
  t.deepEqual((await askRest(traced.serving, path)).json['trace_level'], ['OFF']);
  await eventually('they serve', () =>
    traced.send('one', 'while off').then(
      () => true,
      () => false,
    ),
  );
  await traced.set({ trace_level: null });
  await traced.sendTraced('one', 'on again');
  t.is(traced.spans('while off'), 0);
});

test.serial('without a collector the settings say that nothing is traced, and how that is changed', async (t) => {
  await using serving = await serve('1', []);
  t.like((await askRest(serving, '/v2/trace/setting')).json, { trace_level: ['OFF'], trace_count: '-1' });
  const { status, json } = await askRest(serving, '/v2/trace/setting', { trace_level: ['TIMESTAMPS'] });
  t.is(status, 501);
  t.regex(json.error, /start it with --trace-endpoint/);
  using client = new KserveClient(serving.server.grpcAddress);
  const { settings } = await client.call('traceSetting', { modelName: 'one', settings: {} });
  t.deepEqual(settings['trace_level']?.value, ['OFF']);
});
