import { ServerProcess } from '../../clients/typescript/server-process.js';
import { classesModel, colorsModel, meansModel, spotsModel } from '../support/tiny-models.js';
import { TestRepository } from '../support/test-repository.js';

/** Side of the tiny models' input, in pixels. */
export const SIDE = 64;

/** A real server on four tiny models: `spots` detects, `means` embeds, `colors` segments, `kinds` classifies. */
export class TinyServer implements AsyncDisposable {
  readonly #repository: TestRepository;
  readonly #server: ServerProcess;

  private constructor(repository: TestRepository, server: ServerProcess) {
    this.#repository = repository;
    this.#server = server;
  }

  static async start(): Promise<TinyServer> {
    const repository = await TestRepository.create();
    const input = { width: SIDE, height: SIDE };
    const instance_group = { count: 1 };
    const spots = { task: 'centerface', input, instance_group, labels: 'labels.txt' };
    await repository.write('spots/labels.txt', 'spot\n');
    await repository.addModel('spots', spots, spotsModel(SIDE, SIDE));
    await repository.addModel('means', { task: 'embedding', input, instance_group }, meansModel(SIDE, SIDE));
    const colors = {
      task: 'segmentation',
      input,
      instance_group,
      labels: 'labels.txt',
      preprocess: { scale: 1 / 255 },
    };
    await repository.write('colors/labels.txt', 'red\ngreen\nblue\n');
    await repository.addModel('colors', colors, colorsModel(SIDE, SIDE, 'planes first'));
    const kinds = {
      task: 'classification',
      input,
      instance_group,
      labels: 'labels.txt',
      preprocess: { scale: 1 / 255 },
    };
    await repository.write('kinds/labels.txt', 'red\ngreen\nblue\n');
    await repository.addModel('kinds', kinds, classesModel(SIDE, SIDE));
    return new TinyServer(repository, await ServerProcess.start({ modelRepository: repository.directory }));
  }

  /** `host:port`. */
  get address(): string {
    return this.#server.grpcAddress;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
  }
}
