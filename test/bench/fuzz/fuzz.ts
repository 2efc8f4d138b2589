import { status as Status } from '@grpc/grpc-js';
import { Random } from '../../support/random.js';
import { sendRest } from '../../support/rest-client.js';
import type { FuzzServer } from './fuzz-server.js';
import { mutate, noise } from './mutate.js';
import { seeds, type Seed } from './seeds.js';

export interface FuzzResult {
  /** Calls by how they ended. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Failures that answers told of, inside streams that went on. */
  readonly failuresInside: number;
}

/** Statuses by which a server says that it does not know what happened. */
const UNCLEAN: ReadonlySet<number> = new Set([Status.UNKNOWN, Status.INTERNAL, Status.DATA_LOSS]);
/** Calls that are open at a time. */
const CLIENTS = 8;

/**
 * Makes so many calls with messages that are not quite right, by gRPC and REST. Rejects with the first call that ends with
 * UNKNOWN or INTERNAL, or does not end.
 */
export async function fuzz(server: FuzzServer, cases: number, seed: number): Promise<FuzzResult> {
  const valid = await seeds();
  const statuses: Record<string, number> = {};
  let failuresInside = 0;
  let begun = 0;
  const client = async (): Promise<void> => {
    while (begun < cases) {
      const number = begun++;
      // Of its own, so that a case is the same whatever came before it.
      const random = new Random(seed * 1_000_003 + number);
      const told = `case ${number} of seed ${seed}`;
      if (random.chance(0.15)) {
        const status = await restCase(server, random, told);
        statuses[status] = (statuses[status] ?? 0) + 1;
        continue;
      }
      const { path, messages, failureIn } = grpcCase(valid, random);
      const { status, answers } = await server.call(path, messages, someHeaders(random)).catch((cause: unknown) => {
        throw new Error(`${told}, ${path}: ${String(cause)}`, { cause });
      });
      const failures = answers.map(failureIn).filter((failure) => failure !== null);
      for (const { status: code, message } of [{ status: status.code, message: status.details }, ...failures]) {
        if (UNCLEAN.has(code)) throw new Error(`${told}, ${path}: ${Status[code]}, ${message}`);
      }
      failuresInside += failures.length;
      statuses[Status[status.code]] = (statuses[Status[status.code]] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { statuses, failuresInside };
}

function grpcCase(valid: readonly Seed[], random: Random): Seed {
  const seed = random.pick(valid)!;
  if (random.chance(0.05)) return { ...seed, path: unknownPath(seed.path, random), failureIn: () => null };
  const messages = seed.messages.map((message) => (random.chance(0.6) ? mutate(message, random) : message));
  return { ...seed, messages: seed.stream || random.chance(0.05) ? inOrder(messages, valid, random) : messages };
}

/** Messages in an order that may be wrong, or those of another call among them. */
function inOrder(messages: readonly Uint8Array[], valid: readonly Seed[], random: Random): readonly Uint8Array[] {
  switch (random.int(0, 6)) {
    case 0:
      return [];
    case 1:
      return messages.toReversed();
    case 2:
      return [...messages, ...messages];
    case 3:
      return messages.slice(1);
    case 4:
      return messages.toSpliced(random.int(0, messages.length), 0, ...random.pick(valid)!.messages);
    default:
      return messages;
  }
}

function unknownPath(path: string, random: Random): string {
  const [, service, method] = path.split('/');
  return random.pick([
    `/${service}/${method}x`,
    `/${service}/${method?.toLowerCase()}`,
    `/${service}x/${method}`,
    `/${service}/`,
    `${path}/${method}`,
    '/',
    '//',
    `/${'x'.repeat(2000)}/y`,
    '/__proto__/constructor',
  ]);
}

/** What the server reads of headers, and at times what it should make nothing of. */
function someHeaders(random: Random): Readonly<Record<string, string>> {
  if (random.chance(0.7)) return {};
  const trace = ['', '00', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-zz`];
  return {
    triton_grpc_error: random.pick(['true', '1', 'false', '']),
    traceparent: random.pick(trace)!,
    tracestate: random.pick(['', 'a=b', '='.repeat(600)]),
    authorization: random.pick(['', 'Bearer', 'Bearer x', 'Basic eA==']),
  };
}

const REST_PATHS = [
  '/v2/models/floats/infer',
  '/v2/models/floats/versions/1/infer',
  '/v2/models/texts/infer',
  '/v2/repository/index',
  '/v2/repository/models/other/load',
  '/v2/logging',
  '/v2/systemsharedmemory/region/region/register',
];

/** Valid bodies: one with its data in JSON, one with 16 bytes of it behind. */
const REST_BODIES = [
  { name: 'INPUT0', shape: [1, 4], datatype: 'FP32', data: [1.5, -2, 0, 3] },
  { name: 'INPUT0', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } },
].map((input) =>
  JSON.stringify({
    id: 'a',
    parameters: { priority: 1 },
    inputs: [input],
    outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
  }),
);

/** The status of a call of the REST form, whose answer is JSON. */
async function restCase({ serving }: FuzzServer, random: Random, told: string): Promise<string> {
  const path = random.pick(REST_PATHS)!;
  const binary = random.chance(0.5);
  const json = mutateJson(REST_BODIES[binary ? 1 : 0]!, random);
  const lengths = ['0', '-1', '1e3', 'NaN', '99999999999', String(random.int(0, json.length + 20))];
  const length = random.chance(0.2) ? random.pick(lengths)! : String(json.length);
  const header = binary ? { 'inference-header-content-length': length } : {};
  const data = random.chance(0.2) ? noise(random, random.int(0, 32)) : Buffer.alloc(binary ? 16 : 0);
  const { status } = await sendRest(serving.server.httpAddress, path, Buffer.concat([json, data]), header).catch(
    (cause: unknown) => {
      throw new Error(`${told}, ${path}: ${String(cause)}`, { cause });
    },
  );
  if (status >= 500 && status !== 503) throw new Error(`${told}, ${path}: ${status}`);
  return String(status);
}

function mutateJson(body: string, random: Random): Buffer {
  let text = body;
  for (let left = random.int(0, 3); left > 0; left--) {
    const values = [...text.matchAll(/-?\d+(\.\d+)?|"[^"]*"/g)];
    const found = random.pick(values);
    if (found === undefined || random.chance(0.2)) text = text.slice(0, random.int(0, text.length));
    else {
      const instead = random.pick([
        '-1',
        '1e999',
        '9007199254740993',
        '0',
        'null',
        '[]',
        '{}',
        '"\\ud800"',
        '1.5',
        '"x"',
      ]);
      text = text.slice(0, found.index) + instead + text.slice(found.index + found[0].length);
    }
  }
  return Buffer.from(text);
}
