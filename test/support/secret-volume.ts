import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory of files as Kubernetes mounts a secret: each file is a link through `..data`, a link to the directory of one
 * state of the secret. An update swaps that one link.
 */
export class SecretVolume implements AsyncDisposable {
  readonly directory: string;
  #states = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(files: Readonly<Record<string, string | Buffer>>): Promise<SecretVolume> {
    const volume = new SecretVolume(await mkdtemp(join(tmpdir(), 'sluice-secret-')));
    await volume.update(files);
    for (const name of Object.keys(files)) await symlink(join('..data', name), volume.path(name));
    return volume;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Replaces all files at one moment. */
  async update(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    const state = `..state${this.#states++}`;
    await mkdir(this.path(state));
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.path(state), name), content);
    await symlink(state, this.path('..next'));
    await rename(this.path('..next'), this.path('..data'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
