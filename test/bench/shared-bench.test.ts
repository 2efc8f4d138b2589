import { readdir, readFile } from 'node:fs/promises';
import test from 'ava';
import { KServeClient, type InferRequest } from '../../clients/typescript/kserve-client.js';
import { SharedRequests } from '../../server/cli/bench/shared-requests.js';
import type { BenchPoint } from '../../server/cli/bench/point.js';
import { KserveClient } from '../support/kserve-client.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { addSubModel, DATATYPES, identityModel } from '../support/tensor-models.js';

/** `sluice bench --shared-memory system`. */

function serve(...flags: string[]): Promise<Serving> {
  return Serving.start(async (repository) => {
    await repository.addVersion('sums', 1, addSubModel());
    await repository.addVersion('texts', 1, identityModel(DATATYPES.BYTES, ['batch', 2]));
  }, flags);
}

async function regionsOf(serving: Serving): Promise<object> {
  using client = new KserveClient(serving.server.grpcAddress);
  return (await client.call('systemSharedMemoryStatus', { name: '' })).regions;
}

/** Segments of benches that have a name. */
async function segments(): Promise<Set<string>> {
  return new Set((await readdir('/dev/shm')).filter((name) => name.startsWith('sluice-bench-')));
}

function ints(value: number): Buffer {
  return Buffer.from(new Int32Array(16).fill(value).buffer);
}

const tensor = (name: string, value: number) => ({ name, datatype: 'INT32', shape: [1, 16], data: ints(value) });

test('the inputs of each request are read from the region, and outputs are not in the answer', async (t) => {
  await using serving = await serve('--allow-client-shm', 'true');
  using client = await KServeClient.connect(serving.server.grpcAddress);
  const plain = [
    [5, 3],
    [100, 7],
  ].map(([a, b]) => ({ model: 'sums', inputs: [tensor('INPUT0', a!), tensor('INPUT1', b!)] }));
  {
    await using shared = await SharedRequests.create(client, plain);
    t.is(Object.keys(await regionsOf(serving)).length, 1);
    const outputs = async (request: InferRequest) => (await client.infer(request)).outputs;
    for (const [index, sum] of [8, 107].entries()) {
      const request = shared.requests[index]!;
      t.false(
        request.inputs.some((input) => 'data' in input),
        'no input is in the message',
      );
      const [told] = await outputs({ ...request, outputs: ['OUTPUT0'] });
      t.deepEqual(Buffer.from(told!.data), ints(sum));
      const written = await outputs(request);
      t.deepEqual(
        written.map(({ name, shape, data }) => [name, shape, data.length]),
        ['OUTPUT0', 'OUTPUT1'].map((name) => [name, [1, 16], 0]),
      );
    }
  }
  t.deepEqual(await regionsOf(serving), {});
});

test('outputs of texts stay in the message', async (t) => {
  await using serving = await serve('--allow-client-shm', 'true');
  using client = await KServeClient.connect(serving.server.grpcAddress);
  const data = Buffer.from('\x02\0\0\0no\x03\0\0\0yes');
  const plain = { model: 'texts', inputs: [{ name: 'INPUT0', datatype: 'BYTES', shape: [1, 2], data }] };
  await using shared = await SharedRequests.create(client, [plain]);
  const { outputs } = await client.infer(shared.requests[0]!);
  t.deepEqual(Buffer.from(outputs[0]!.data), data);
});

for (const streams of [[], ['--streams', '2']]) {
  test(`a bench shares memory with a server, and leaves none behind ${streams.join(' ')}`, async (t) => {
    await using scratch = await ScratchDirectory.create();
    await using serving = await serve('--allow-client-shm', 'true', '--processes', '2');
    const json = `${scratch.path}/points`;
    const flags = ['bench', '--server', serving.server.grpcAddress, '--protocol', 'kserve', '--model', 'sums'];
    const load = ['--shared-memory', 'system', '--concurrency', '4', '--requests', '40', '--connections', '2'];
    const { code, stderr } = await sluice([...flags, ...load, '--json', json, ...streams]);
    t.is(code, 0, stderr);
    const point = JSON.parse(await readFile(json, 'utf8')) as BenchPoint;
    t.like(point, { requests: 40, errors: 0, shared_memory: 'system', label: 'sums (kserve, system shared memory)' });
    t.deepEqual(await regionsOf(serving), {});
  });
}

test('a bench with a server of its own has it share memory', async (t) => {
  await using serving = await serve();
  const flags = [
    'bench',
    '--model-repository',
    serving.repository.directory,
    '--protocol',
    'kserve',
    '--model',
    'sums',
  ];
  const { code, stderr } = await sluice([
    ...flags,
    '--shared-memory',
    'system',
    '--concurrency',
    '2',
    '--requests',
    '9',
  ]);
  t.is(code, 0, stderr);
});

test.serial('what cannot be shared is told, and no segment stays', async (t) => {
  await using serving = await serve();
  const before = await segments();
  const server = ['bench', '--server', serving.server.grpcAddress, '--model', 'sums', '--shared-memory', 'system'];
  const refused = await sluice([...server, '--protocol', 'kserve']);
  t.not(refused.code, 0);
  t.regex(refused.stderr, /--allow-client-shm/);
  const other = await sluice(server);
  t.is(other.code, 2);
  t.regex(other.stderr, /--shared-memory needs --protocol kserve/);
  const left = [...(await segments())].filter((name) => !before.has(name));
  t.deepEqual(left, []);
});
