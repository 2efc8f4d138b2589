import { Serving } from '../../support/serving.js';
import { KserveClient } from '../../support/kserve-client.js';
import { DataType } from '../../../server/onnx/tensor.js';
import { addSubModel, identityModel } from '../../support/tensor-models.js';
import { meansModel, slowModel, spotsModel } from '../../support/tiny-models.js';

/** Side of the input of the models that take pictures. */
export const INPUT = { width: 64, height: 64 };

/** The embedder that is reloaded while it serves: `generation` changes what of it the answers do not tell. */
export function meansConfig(generation: number): object {
  return {
    task: 'embedding',
    input: INPUT,
    postprocess: { normalize: false },
    max_batch_size: 4 + (generation % 5),
    instance_group: { count: 1, intra_op_thread_count: 1 },
  };
}

/** A server with small models of every kind, and clients of both protocols. */
export class SoakServer implements AsyncDisposable {
  readonly serving: Serving;
  readonly kserve: KserveClient;

  private constructor(serving: Serving) {
    this.serving = serving;
    this.kserve = new KserveClient(serving.server.grpcAddress);
  }

  static async start(): Promise<SoakServer> {
    const instance_group = { count: 1, intra_op_thread_count: 1 };
    const serving = await Serving.start(
      async (repository) => {
        await repository.addModel('spots', { task: 'centerface', input: INPUT, instance_group }, spotsModel(64, 64));
        await repository.addModel('means', meansConfig(0), meansModel(64, 64));
        const slow = { task: 'embedding', input: INPUT, max_batch_size: 1, instance_group };
        await repository.addModel('slow', slow, slowModel(64, 64));
        const tensors = { task: 'tensors', max_batch_size: 8, instance_group };
        await repository.addModel('floats', tensors, identityModel(DataType.FLOAT, ['batch', 'width']));
        await repository.addModel('texts', tensors, identityModel(DataType.STRING, ['batch', 'width']));
        await repository.addModel('add_sub', tensors, addSubModel());
        // Come and go.
        await repository.addModel('guest', tensors, addSubModel());
        await repository.addModel('visitor', meansConfig(0), meansModel(64, 64));
      },
      ['--model-control-mode', 'explicit', '--load-model', 'spots,means,slow,floats,texts,add_sub'],
    );
    return new SoakServer(serving);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kserve[Symbol.dispose]();
    await this.serving[Symbol.asyncDispose]();
  }
}
