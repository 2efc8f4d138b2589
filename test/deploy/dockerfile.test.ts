import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { OPTION_NAMES, OPTION_TABLE, variableName } from '../../server/config/option-table.js';
import { eventually } from '../support/eventually.js';
import { grey } from '../support/pictures.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';
import { lastOf, readCopy, readDockerfile, variablesOf, type Stage } from './dockerfile.js';
import { runTool } from './deploy-tools.js';
import { ImageBuild } from './image-build.js';

const stages = await readDockerfile();

function stage(name: string): Stage {
  return stages.find((candidate) => candidate.name === name)!;
}

test('hadolint finds nothing in the Dockerfile, and something in a bad one', async (t) => {
  const hadolint = join('.venv', 'bin', 'hadolint');
  t.deepEqual(await runTool(hadolint, ['Dockerfile']), { code: 0, stdout: '', stderr: '' });
  const bad = (await readFile('Dockerfile', 'utf8')).replace('--no-install-recommends', '');
  t.regex((await runTool(hadolint, ['-'], bad)).stdout, /DL3015/);
});

test('the images for CPU and GPU are targets, and the default is the one that needs no GPU', (t) => {
  t.deepEqual(
    stages.map(({ name }) => name),
    ['dependencies', 'server', 'native-cpu', 'native-gpu', 'gpu', 'cpu'],
  );
});

test('what is copied from the context is there, and is sent to the builder', async (t) => {
  const sent = (await readFile('.dockerignore', 'utf8')).split('\n');
  for (const { instructions } of stages) {
    for (const { name, rest } of instructions) {
      if (name !== 'COPY' || readCopy(rest).from !== null) continue;
      for (const source of readCopy(rest).sources) {
        await t.notThrowsAsync(stat(source));
        t.true(sent.includes(`!${source}`), source);
      }
    }
  }
});

test('what is copied from another stage comes from an earlier one', (t) => {
  for (const [place, { instructions }] of stages.entries()) {
    const earlier = stages.slice(0, place).map(({ name }) => name);
    const froms = instructions.filter(({ name }) => name === 'COPY').map(({ rest }) => readCopy(rest).from);
    for (const from of froms) t.true(from === null || earlier.includes(from), `${from}`);
  }
});

for (const name of ['cpu', 'gpu']) {
  test(`the ${name} image runs as a numbered user, on the default ports, with options that exist`, (t) => {
    t.regex(lastOf(stage(name), 'USER'), /^[1-9]\d*:[1-9]\d*$/);
    const variables = variablesOf(stages, name);
    const ports = [OPTION_TABLE.grpcAddress.default.port, OPTION_TABLE.httpAddress.default.port];
    t.is(lastOf(stage(name), 'EXPOSE'), ports.join(' '));
    t.is(variables['SLUICE_GRPC_ADDRESS'], `0.0.0.0:${ports[0]}`);
    t.is(variables['SLUICE_HTTP_ADDRESS'], `0.0.0.0:${ports[1]}`);
    const known = OPTION_NAMES.map(variableName);
    for (const variable of Object.keys(variables).filter((key) => key.startsWith('SLUICE_'))) {
      t.true(known.includes(variable), variable);
    }
    t.deepEqual(JSON.parse(lastOf(stage(name), 'ENTRYPOINT')), ['node', '/sluice/dist/server/main.js']);
    t.deepEqual(JSON.parse(lastOf(stage(name), 'CMD')), ['serve']);
  });
}

test('both images have the same files and start the same way, but for the GPU', (t) => {
  const own = /node:|\/usr\/local\/bin\/node|sluice_gpu|native-(cpu|gpu)|\/cache$/;
  const common = (name: string): string[] =>
    stage(name)
      .instructions.map((instruction) => `${instruction.name} ${instruction.rest}`)
      .filter((line) => !own.test(line));
  t.deepEqual(common('gpu'), common('cpu'));
});

test('npm and the compiler are run as `make` runs them', async (t) => {
  const makefile = await readFile('Makefile', 'utf8');
  for (const command of [
    'npm ci --no-audit --no-fund --loglevel=error',
    'npx buf generate proto --template proto/buf.gen.yaml',
    'npx tsc -p .',
    'npx tsc -p server/http/page',
    'cmake-js compile -d native --out build/native --log-level error',
  ]) {
    t.true(makefile.includes(command), command);
    t.true(
      stages.some(({ instructions }) => instructions.some(({ rest }) => rest.includes(command))),
      command,
    );
  }
});

test.serial(
  'what the steps of the cpu image leave behind serves, as another user, on a disk it cannot write',
  async (t) => {
    t.timeout(600_000);
    await using build = await ImageBuild.create(stages);
    const root = await build.root('cpu');
    await chmod(dirname(root), 0o755);
    const packages = join(root, 'sluice', 'node_modules');
    for (const left of ['typescript', 'ava', 'onnxruntime-node/bin/napi-v6/win32']) {
      await t.throwsAsync(stat(join(packages, left)), { code: 'ENOENT' }, left);
    }
    await using repository = await TestRepository.create();
    const config = { task: 'embedding', input: { width: 8, height: 8 }, instance_group: { count: 1 } };
    await repository.addModel('means', config, meansModel(8, 8));
    await chmod(repository.directory, 0o755);
    await using container = await Container.start(root, repository.directory);

    t.is(await container.health(), 0);
    using client = await SluiceClient.connect(container.grpc);
    const answers = [];
    for await (const answer of client.embed([{ picture: grey(51) }])) answers.push(answer);
    t.deepEqual([answers.length, answers[0]?.frame?.error], [1, undefined]);

    const page = await fetch(`http://${container.http}/`, { headers: { accept: 'text/html' } });
    t.regex(await page.text(), /<html/);

    container.signal('SIGTERM');
    t.is(await container.ended(), 0);
    t.not(await container.health(), 0);
  },
);

/** The cpu image's files as a process of its own user, with what the image says about it. */
class Container implements AsyncDisposable {
  readonly grpc: string;
  stderr = '';
  readonly http: string;
  readonly #root: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #closed: Promise<unknown[]>;
  readonly #tmp: string;

  private constructor(root: string, child: ReturnType<typeof spawn>, tmp: string, grpc: string, http: string) {
    this.#root = root;
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stderr!.on('data', (bytes: Buffer) => (this.stderr += bytes.toString()));
    this.#tmp = tmp;
    this.grpc = grpc;
    this.http = http;
  }

  static async start(root: string, models: string): Promise<Container> {
    const cpu = stage('cpu');
    const tmp = await mkdtemp(join(tmpdir(), 'sluice-container-'));
    await mkdir(join(tmp, 'cache'));
    // Mounts: the only places that are anybody's to write.
    for (const directory of [tmp, join(tmp, 'cache')]) await chmod(directory, 0o777);
    const words = [...JSON.parse(lastOf(cpu, 'ENTRYPOINT')), ...JSON.parse(lastOf(cpu, 'CMD'))] as string[];
    const [program, ...args] = words.map((word) => (word.startsWith('/') ? join(root, word) : word));
    const [user, group] = lastOf(cpu, 'USER').split(':').map(Number);
    const asUser = process.getuid?.() === 0 ? { uid: user!, gid: group! } : {};
    const child = spawn(program === 'node' ? process.execPath : program!, args, {
      cwd: join(root, 'sluice'),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...variablesOf(stages, 'cpu'),
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        TMPDIR: tmp,
        SLUICE_MODEL_REPOSITORY: models,
        SLUICE_ENGINE_CACHE: join(tmp, 'cache', 'engines'),
        SLUICE_GRPC_ADDRESS: '127.0.0.1:0',
        SLUICE_HTTP_ADDRESS: '127.0.0.1:0',
      },
      ...asUser,
    });
    const lines: Record<string, unknown>[] = [];
    createInterface(child.stdout!).on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
    await eventually('it has started', () => lines.some(({ msg }) => msg === 'started') || child.exitCode !== null);
    const listening = lines.find(({ msg }) => msg === 'listening');
    if (listening === undefined) throw new Error(`it ended: ${JSON.stringify(lines.at(-1))}`);
    return new Container(root, child, tmp, String(listening['grpc']), String(listening['http']));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code of HEALTHCHECK's command. */
  async health(): Promise<number | null> {
    const [, command] = /CMD (\[.*\])$/.exec(lastOf(stage('cpu'), 'HEALTHCHECK'))!;
    const [, ...args] = JSON.parse(command!) as string[];
    const here = args.map((arg) => arg.replace('127.0.0.1:8000', this.http));
    const child = spawn(process.execPath, here, { cwd: this.#root, stdio: 'ignore' });
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  }

  async ended(): Promise<number | null> {
    const [code] = await this.#closed;
    return code as number | null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
    await rm(this.#tmp, { recursive: true, force: true });
  }
}
