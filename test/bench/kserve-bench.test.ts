import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { BenchPoint } from '../../server/cli/bench/point.js';
import { KServeDouble } from '../support/kserve-double.js';
import { sluice } from '../support/sluice-command.js';

type Inputs = readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];

/** A double with these inputs, and `sluice bench` on it. */
async function withBench(
  inputs: Inputs,
  use: (bench: {
    readonly double: KServeDouble;
    readonly directory: string;
    readonly run: (
      ...args: readonly string[]
    ) => Promise<{ code: number | string; point: BenchPoint | null; stderr: string }>;
  }) => Promise<void>,
): Promise<void> {
  await using double = await KServeDouble.start(inputs.map((input) => ({ ...input, shape: input.shape.map(BigInt) })));
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const json = join(directory, 'points.jsonl');
  const run = async (...args: readonly string[]) => {
    const flags = ['bench', '--server', double.address, '--protocol', 'kserve', '--model', 'mirror', '--json', json];
    const { code, stderr } = await sluice([
      ...flags,
      '--concurrency',
      '4',
      '--requests',
      '30',
      '--warm-up',
      '2',
      ...args,
    ]);
    const text = await readFile(json, 'utf8').catch(() => '');
    await rm(json, { force: true });
    return { code, stderr, point: text === '' ? null : (JSON.parse(text) as BenchPoint) };
  };
  try {
    await use({ double, directory, run });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function sent(double: KServeDouble) {
  return double.requests.map(({ inputs, rawInputContents }) =>
    inputs.map(({ name, datatype, shape }, index) => ({
      name,
      datatype,
      shape: shape.map(Number),
      bytes: rawInputContents[index]?.length,
    })),
  );
}

function floats(bytes: Uint8Array | undefined): number[] {
  return [...new Float32Array(new Uint8Array(bytes ?? []).buffer)];
}

for (const [way, flags, call] of [
  ['calls', [], 'ModelInfer'],
  ['streams', ['--streams', '2'], 'ModelStreamInfer'],
] as const) {
  test(`Random tensors of the model's shapes are sent in ${way}, and the server's counters are told`, async (t) => {
    const inputs = [
      { name: 'image', datatype: 'FP32', shape: [-1, 3, 4] },
      { name: 'half', datatype: 'FP16', shape: [2] },
      { name: 'ids', datatype: 'INT64', shape: [-1, 5] },
      { name: 'words', datatype: 'BYTES', shape: [1] },
    ];
    await withBench(inputs, async ({ double, run }) => {
      const { code, point, stderr } = await run('--connections', '2', ...flags);
      t.is(code, 0, stderr);
      t.is(double.requests.length, 32);
      for (const tensors of sent(double)) {
        t.deepEqual(tensors, [
          { name: 'image', datatype: 'FP32', shape: [1, 3, 4], bytes: 48 },
          { name: 'half', datatype: 'FP16', shape: [2], bytes: 4 },
          { name: 'ids', datatype: 'INT64', shape: [1, 5], bytes: 40 },
          { name: 'words', datatype: 'BYTES', shape: [1], bytes: 12 },
        ]);
      }
      const values = floats(double.requests[0]?.rawInputContents[0]);
      t.true(values.every((value) => value >= 0 && value < 1) && new Set(values).size > 1);
      t.deepEqual([point?.protocol, point?.call, point?.requests, point?.errors], ['kserve', call, 30, 0]);
      t.deepEqual(point?.server_us, {
        of: 'mean',
        queue: 200,
        decode: 0,
        preprocess: 100,
        infer: 500,
        postprocess: 150,
        total: 1000,
      });
      t.is(point?.mean_batch_size, 2);
    });
  });
}

test('Open sides are told by --shape; zeros and files fill them', async (t) => {
  await withBench([{ name: 'x', datatype: 'FP32', shape: [-1, -1] }], async ({ double, directory, run }) => {
    const refused = async (words: RegExp, ...flags: readonly string[]): Promise<void> => {
      const { code, stderr } = await run(...flags);
      t.is(code, 2, stderr);
      t.regex(stderr, words);
    };
    await refused(/x is \[-1, -1\]: tell its sides by --shape x:/);
    await refused(/--shape: x is \[-1, -1\]/, '--shape', 'x:1,2,3');
    await refused(/the model has no input y, but x/, '--shape', 'y:1');
    t.is((await run('--shape', 'x:2,3', '--input-data', 'zero')).code, 0);
    t.deepEqual(sent(double)[0], [{ name: 'x', datatype: 'FP32', shape: [2, 3], bytes: 24 }]);
    t.deepEqual(floats(double.requests[0]?.rawInputContents[0]), [0, 0, 0, 0, 0, 0]);
    const files = join(directory, 'tensors');
    await mkdir(files);
    await writeFile(join(files, 'x'), new Uint8Array(Float32Array.of(1, 2, 3).buffer));
    await refused(/has 12 bytes instead of 24 bytes of FP32 \[2, 3\]/, '--shape', 'x:2,3', '--input-data', files);
    t.is((await run('--shape', 'x:1,3', '--input-data', files)).code, 0);
    t.deepEqual(floats(double.requests.at(-1)?.rawInputContents[0]), [1, 2, 3]);
  });
});

test('Pictures are sent in turn to a model that takes one element of BYTES, and to no other', async (t) => {
  const pictures = async (directory: string): Promise<string[]> => {
    const files = [join(directory, 'a.jpg'), join(directory, 'b.jpg')];
    await Promise.all(files.map((file, index) => writeFile(file, Buffer.alloc(3 + index, 65 + index))));
    return files;
  };
  await withBench([{ name: 'picture', datatype: 'BYTES', shape: [-1, 1] }], async ({ double, directory, run }) => {
    t.is((await run(...(await pictures(directory)))).code, 0);
    const contents = new Set(double.requests.map(({ rawInputContents: [bytes] }) => Buffer.from(bytes!).toString()));
    t.deepEqual([...contents].sort(), ['\x03\0\0\0AAA', '\x04\0\0\0BBBB']);
  });
  await withBench([{ name: 'x', datatype: 'FP32', shape: [1] }], async ({ directory, run }) => {
    const { code, stderr } = await run(...(await pictures(directory)));
    t.is(code, 2);
    t.regex(stderr, /only to a model whose one input is one element of BYTES/);
  });
});

test('Calls that fail are counted by status, those of a stream as errors, and both end it with exit code 1', async (t) => {
  await withBench([{ name: 'x', datatype: 'UINT8', shape: [1] }], async ({ double, run }) => {
    // The two of the warm-up are not counted: of 32 requests number 3, 6 ... 30 fail.
    double.failEvery = 3;
    const failed = async (status: string, ...flags: readonly string[]): Promise<void> => {
      double.requests.length = 0;
      const { code, point, stderr } = await run(...flags);
      t.is(code, 1);
      checkErrors(t, point, { [status]: 10 });
      t.regex(stderr, /^10 of 30 requests failed; the first: as was asked for/m);
    };
    await failed('RESOURCE_EXHAUSTED');
    await failed('error', '--streams', '1');
  });
});

function checkErrors(t: ExecutionContext, point: BenchPoint | null, byStatus: Record<string, number>): void {
  t.deepEqual([point?.requests, point?.errors, point?.errors_by_status], [30, 10, byStatus]);
}
