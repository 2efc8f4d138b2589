import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { readCopy, variablesOf, type Instruction, type Stage } from './dockerfile.js';

/** What takes a network or the rights of root: `make` has done the same by the same command, and its result is copied. */
const DONE_BY_MAKE: readonly (readonly [command: RegExp, results: readonly string[]])[] = [
  [/^npm ci /, ['node_modules']],
  [/^apt-get update && apt-get install /, []],
  [/^npx cmake-js compile -d native --out build\/native /, ['build/native/Release/sluice.node']],
];

/**
 * Puts together the files of a stage as the Dockerfile says, without a container: each stage is a directory, COPY copies
 * and RUN runs there. Base images are those of this machine.
 */
export class ImageBuild implements AsyncDisposable {
  readonly #stages: readonly Stage[];
  readonly #directory: string;
  readonly #built = new Map<string, Promise<string>>();

  private constructor(stages: readonly Stage[], directory: string) {
    this.#stages = stages;
    this.#directory = directory;
  }

  static async create(stages: readonly Stage[]): Promise<ImageBuild> {
    return new ImageBuild(stages, await mkdtemp(join(tmpdir(), 'sluice-image-')));
  }

  /** Where the files of a stage lie: the directory that stands for `/`. */
  root(name: string): Promise<string> {
    const known = this.#built.get(name);
    if (known !== undefined) return known;
    const building = this.#build(name);
    this.#built.set(name, building);
    return building;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #build(name: string): Promise<string> {
    const stage = this.#stages.find((candidate) => candidate.name === name);
    if (stage === undefined) throw new Error(`there is no stage ${name}`);
    const root = join(this.#directory, name);
    if (this.#stages.some((candidate) => candidate.name === stage.from)) {
      await link(await this.root(stage.from), root);
    }
    let directory = join(root, 'sluice');
    await mkdir(directory, { recursive: true });
    for (const instruction of stage.instructions) {
      if (instruction.name === 'WORKDIR') directory = join(root, instruction.rest);
      else if (instruction.name === 'COPY') await this.#copy(instruction, root, directory);
      else if (instruction.name === 'RUN') await this.#run(instruction, directory, variablesOf(this.#stages, name));
    }
    return root;
  }

  async #copy({ rest }: Instruction, root: string, directory: string): Promise<void> {
    const { from, sources, target } = readCopy(rest);
    const to = target.startsWith('/') ? join(root, target) : join(directory, target);
    const ignored = from === null ? await ignoredPaths() : [];
    for (const source of sources) {
      const into = target.endsWith('/') ? join(to, basename(source)) : to;
      await mkdir(dirname(into), { recursive: true });
      const filter = (file: string): boolean => !ignored.includes(file);
      if (from === null) await cp(source, into, { recursive: true, filter });
      else await link(join(await this.root(from), source), into);
    }
  }

  async #run({ rest }: Instruction, directory: string, variables: Record<string, string>): Promise<void> {
    const done = DONE_BY_MAKE.find(([command]) => command.test(rest));
    if (done !== undefined) {
      for (const path of done[1]) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await cp(await realpath(path), join(directory, path), { recursive: true, verbatimSymlinks: true });
      }
      return;
    }
    const child = spawn('sh', ['-c', rest], {
      cwd: directory,
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`RUN ${rest}: exit code ${code}\n${(await output).join('')}`);
  }
}

/** Copies from stage to stage by hard links: hundreds of megabytes of packages, which no step writes into. */
async function link(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', '-l', '-T', from, to]);
}

/** What .dockerignore keeps from the builder, of what it lets through otherwise. */
async function ignoredPaths(): Promise<string[]> {
  const lines = (await readFile('.dockerignore', 'utf8')).split('\n').filter((line) => /^[^#]/.test(line));
  return lines.filter((line) => line !== '*' && !line.startsWith('!'));
}
