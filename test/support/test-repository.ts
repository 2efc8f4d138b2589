import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

/** A model repository in a temporary directory. */
export class TestRepository implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<TestRepository> {
    return new TestRepository(await mkdtemp(join(tmpdir(), 'sluice-test-')));
  }

  /** Writes `config.yaml` of a model: an object, or the text itself. */
  async configure(model: string, config: object | string): Promise<void> {
    await this.write(join(model, 'config.yaml'), typeof config === 'string' ? config : stringify(config));
  }

  /** Writes the model file of a version. */
  async addVersion(model: string, version: number, bytes: Uint8Array): Promise<void> {
    await this.write(join(model, String(version), 'model.onnx'), bytes);
  }

  /** A model with its configuration and version 1. */
  async addModel(model: string, config: object | string, bytes: Uint8Array): Promise<void> {
    await this.addVersion(model, 1, bytes);
    await this.configure(model, config);
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.directory, path), { recursive: true });
  }

  /** Writes a file in one step: whoever polls sees all of it or nothing. */
  async write(path: string, content: Uint8Array | string): Promise<void> {
    const file = join(this.directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.part`, content);
    await rename(`${file}.part`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
