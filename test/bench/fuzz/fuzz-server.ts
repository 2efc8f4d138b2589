import { rm, writeFile } from 'node:fs/promises';
import { Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { DataType } from '../../../server/onnx/tensor.js';
import { accumulating, accumulator } from '../../support/sequence-models.js';
import { Serving } from '../../support/serving.js';
import { addSubModel, identityModel } from '../../support/tensor-models.js';
import { classesModel, colorsModel, meansModel, spotsModel } from '../../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL } from '../../support/unharmed.js';

/** What a call came to. */
export interface RawOutcome {
  readonly status: StatusObject;
  readonly answers: readonly Buffer[];
}

/** The region of shared memory that the seeds register. */
const REGION = '/dev/shm/sluice-fuzz';
const MOST_BYTES = 4 << 20;
/** A call that takes longer than this hangs. */
const PATIENCE_MS = 60_000;

/** A server with everything open, and calls of it with any bytes. */
export class FuzzServer implements AsyncDisposable {
  readonly serving: Serving;
  readonly #client: Client;

  private constructor(serving: Serving) {
    this.serving = serving;
    this.#client = new Client(serving.server.grpcAddress, credentials.createInsecure(), {
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    });
  }

  static async start(): Promise<FuzzServer> {
    const instance_group = { count: 1, intra_op_thread_count: 1 };
    await writeFile(REGION, new Uint8Array(64));
    const serving = await Serving.start(async (repository) => {
      const spots = { task: 'centerface', input: GOOD_INPUT, instance_group };
      await repository.addModel(GOOD_MODEL, spots, spotsModel(GOOD_INPUT.width, GOOD_INPUT.height));
      const means = { task: 'embedding', input: { width: 32, height: 32 }, instance_group };
      await repository.addModel('means', means, meansModel(32, 32));
      const tensors = { task: 'tensors', instance_group };
      await repository.addModel('floats', tensors, identityModel(DataType.FLOAT, ['batch', 'width']));
      await repository.addModel('texts', tensors, identityModel(DataType.STRING, ['batch', 'width']));
      await repository.addModel('add_sub', tensors, addSubModel());
      await repository.addModel('other', tensors, addSubModel());
      // Idle so soon that none keeps its slot for long.
      await repository.addModel('sum', accumulating({ max_sequence_idle_microseconds: 20_000 }), accumulator());
      const input = { width: 32, height: 32 };
      await repository.addModel('classes', { task: 'classification', input, instance_group }, classesModel(32, 32));
      const colors = colorsModel(32, 32, 'planes first');
      await repository.addModel('colors', { task: 'segmentation', input, instance_group }, colors);
    }, `--model-control-mode explicit --load-model * --allow-client-shm true --max-message-bytes ${MOST_BYTES}`.split(' '));
    return new FuzzServer(serving);
  }

  /** Sends messages as they are and half-closes; rejects when the call does not end. */
  async call(
    path: string,
    messages: readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
  ): Promise<RawOutcome> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const asIs = (bytes: Buffer): Buffer => bytes;
    // A stream of requests, which a unary method takes as well.
    const call = this.#client.makeBidiStreamRequest(path, asIs, asIs, metadata);
    const answers: Buffer[] = [];
    call.on('data', (answer: Buffer) => answers.push(answer));
    call.on('error', () => {});
    const ended = new Promise<StatusObject>((resolve) => call.once('status', resolve));
    for (const bytes of messages) call.write(Buffer.from(bytes));
    call.end();
    let timer: NodeJS.Timeout | undefined;
    const hanging = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the call does not end')), PATIENCE_MS);
    });
    try {
      return { status: await Promise.race([ended, hanging]), answers };
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the server has logged as faults of its own. */
  get faults(): readonly string[] {
    return this.serving.server.log
      .filter(({ msg }) => msg === 'a request met a fault of the server')
      .map((line) => JSON.stringify(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.serving[Symbol.asyncDispose]();
    await rm(REGION, { force: true });
  }
}
