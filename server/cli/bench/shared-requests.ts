import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  InferRequest,
  KServeClient,
  SharedPlace,
  SharedTensor,
  Tensor,
} from '../../../clients/typescript/kserve-client.js';
import { UsageError } from '../../config/server-options.js';

/** Where Linux keeps segments of POSIX shared memory, as files of a file system in memory. */
const DIRECTORY = '/dev/shm';

/** Bytes: where a tensor may begin, for whatever reads it. */
const ALIGNMENT = 64;

/** A request whose tensors are all at hand. */
export interface PlainRequest extends InferRequest {
  readonly inputs: readonly Tensor[];
}

/**
 * Requests whose tensors lie in a region of system shared memory, and not in their messages. All read the same inputs, and
 * write their outputs to the same places, as perf_analyzer has it: nobody looks at them.
 */
export class SharedRequests implements AsyncDisposable {
  readonly requests: readonly InferRequest[];
  readonly #client: KServeClient;
  readonly #region: string;

  private constructor(client: KServeClient, region: string, requests: readonly InferRequest[]) {
    this.#client = client;
    this.#region = region;
    this.requests = requests;
  }

  /**
   * Puts the inputs of `requests` into a region and registers it. Each is sent once as it is, which tells how long its
   * outputs are. Throws what the server says of that.
   */
  static async create(client: KServeClient, requests: readonly PlainRequest[]): Promise<SharedRequests> {
    const name = `sluice-bench-${randomUUID()}`;
    const layout = new Layout(name);
    const inputs = requests.map((request) => request.inputs.map((tensor) => layout.take(tensor)));
    const outputs = layout.outputs(await outputSizes(client, requests));
    if (layout.size === 0) throw new UsageError('--shared-memory: no tensor of the model has any bytes');
    const file = join(DIRECTORY, name);
    const segment = await open(file, 'wx', 0o600);
    try {
      await segment.truncate(layout.size);
      await layout.write(segment);
      await client.registerSharedMemory({ name, key: `/${name}`, offset: 0, byteSize: layout.size });
    } finally {
      await segment.close();
      // The server has it open. Without a name it goes with the last that has, however this process ends.
      await unlink(file);
    }
    const shared = requests.map((request, index) => ({ ...request, inputs: inputs[index]!, outputs }));
    return new SharedRequests(client, name, shared);
  }

  /** Has the server forget the region. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.unregisterSharedMemory(this.#region);
  }
}

/** Bytes of each output, at most; null: they differ with what is in it, so that it stays in the message. */
async function outputSizes(
  client: KServeClient,
  requests: readonly InferRequest[],
): Promise<Map<string, number | null>> {
  const sizes = new Map<string, number | null>();
  for (const request of requests) {
    for (const { name, datatype, data } of (await client.infer(request)).outputs) {
      sizes.set(name, datatype === 'BYTES' ? null : Math.max(sizes.get(name) ?? 0, data.length));
    }
  }
  return sizes;
}

/** Gives out places of a region. */
class Layout {
  /** Bytes so far. */
  size = 0;
  readonly #region: string;
  readonly #contents: { readonly offset: number; readonly data: Uint8Array }[] = [];

  constructor(region: string) {
    this.#region = region;
  }

  /** A tensor that lies there; one without bytes has no place anywhere. */
  take({ data, ...tensor }: Tensor): Tensor | SharedTensor {
    if (data.length === 0) return { ...tensor, data };
    const place = this.#place(data.length);
    this.#contents.push({ offset: place.offset, data });
    return { ...tensor, place };
  }

  outputs(sizes: ReadonlyMap<string, number | null>): (string | { name: string; place: SharedPlace })[] {
    return [...sizes].map(([name, size]) => (size === null || size === 0 ? name : { name, place: this.#place(size) }));
  }

  async write(segment: FileHandle): Promise<void> {
    for (const { offset, data } of this.#contents) await segment.write(data, 0, data.length, offset);
  }

  #place(byteSize: number): SharedPlace {
    const offset = this.size;
    this.size = Math.ceil((offset + byteSize) / ALIGNMENT) * ALIGNMENT;
    return { region: this.#region, offset, byteSize };
  }
}
