import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { encode, grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { sluice } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel, misfitModel, spotsModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 32, height: 32 } };

async function fill(repository: TestRepository): Promise<void> {
  await repository.addModel('means', MEANS, meansModel(32, 32));
  await repository.addModel('broken', MEANS, misfitModel(32, 32));
  await writeFile(join(repository.directory, 'grey.png'), await encode(grey(100), 'png'));
}

/** An address where nothing listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

test.serial('commands for a server that is not there end with 1 and its address', async (t) => {
  const address = await nobody();
  for (const args of [
    ['detect', 'a.png'],
    ['models', 'list'],
  ]) {
    const { code, stderr } = await sluice([...args, '--server', address]);
    t.is(code, 1);
    t.true(stderr.includes(address), stderr);
    t.notRegex(stderr, /^\s+at /m);
  }
});

test.serial('a model that is unknown, broken or of another task ends the command with 1 and the reason', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  const picture = join(repository.directory, 'grey.png');
  const run = async (...args: string[]) => {
    const { code, stderr } = await sluice([...args, picture, '--model-repository', repository.directory]);
    t.is(code, 1, args.join(' '));
    t.notRegex(stderr, /^\s+at /m);
    return stderr;
  };
  t.regex(await run('embed', '--model', 'nosuch'), /no model directory "nosuch"/);
  t.regex(await run('embed', '--model', 'broken'), /do not fit task embedding/);
  t.regex(await run('detect', '--model', 'means'), /task embedding; call Embed/);
  t.regex(await run('detect'), /no model for Detect/);
});

test.serial('a command with a server of its own is not disturbed by broken models that it does not ask', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  const picture = join(repository.directory, 'grey.png');
  const flags = ['--model-repository', repository.directory];
  t.is((await sluice(['embed', picture, ...flags])).code, 0);
  t.is((await sluice(['embed', picture, '--model', 'means', ...flags])).code, 0);
});

test.serial('the repository of a server of its own may come from the environment', async (t) => {
  await using repository = await TestRepository.create();
  await fill(repository);
  const environment = { SLUICE_MODEL_REPOSITORY: repository.directory };
  const { code, stdout } = await sluice(['embed', join(repository.directory, 'grey.png')], environment);
  t.is(code, 0);
  t.regex(stdout, /grey\.png/);
});

test.serial('models list shows every model with its state, and why it is not READY', async (t) => {
  await using serving = await Serving.start(fill);
  const flags = ['--server', serving.server.grpcAddress];
  const { code, stdout } = await sluice(['models', 'list', ...flags]);
  t.is(code, 0);
  const [broken = '', means = '', ...others] = stdout.trim().split('\n');
  t.deepEqual(others, []);
  t.regex(broken, /^broken +1 +UNAVAILABLE +.*do not fit task embedding/);
  t.regex(means, /^means +1 +READY$/);
  const json = (await sluice(['models', 'list', '--json', ...flags])).stdout.trim().split('\n');
  t.deepEqual(JSON.parse(json[1] ?? ''), { name: 'means', version: '1', state: 'READY', reason: '' });
});

test.serial('models load and unload control a server in the mode explicit', async (t) => {
  await using serving = await Serving.start(fill, ['--model-control-mode', 'explicit']);
  const run = (...args: string[]) => sluice(['models', ...args, '--server', serving.server.grpcAddress]);
  t.is((await run('list')).stdout, '');
  t.is((await run('load', 'means')).code, 0);
  t.regex((await run('list')).stdout, /^means +1 +READY$/m);
  const broken = await run('load', 'broken');
  t.is(broken.code, 1);
  t.regex(broken.stderr, /do not fit task embedding/);
  t.is((await run('unload', 'means')).code, 0);
  const again = await run('unload', 'means');
  t.is(again.code, 1);
  t.regex(again.stderr, /no model "means"/);
});

test.serial('models load is refused by a server in another mode, and says so', async (t) => {
  await using serving = await Serving.start(fill);
  const { code, stderr } = await sluice(['models', 'load', 'means', '--server', serving.server.grpcAddress]);
  t.is(code, 1);
  t.regex(stderr, /--model-control-mode explicit/);
});

test.serial('models pull fetches nothing that is there', async (t) => {
  const { code, stdout, stderr } = await sluice(['models', 'pull', '--model-repository', 'model-repo']);
  t.is(code, 0, stderr);
  const printed = stdout + stderr;
  for (const name of ['centerface', 'reid']) t.regex(printed, new RegExp(`^${name}: .* is there$`, 'm'));
  t.notRegex(printed, /fetch/);
});

test.serial('models pull of a name that is not in the catalogue ends with 1 and those that are', async (t) => {
  const { code, stderr } = await sluice(['models', 'pull', 'nosuch', '--model-repository', 'model-repo']);
  t.is(code, 1);
  t.regex(stderr, /no nosuch; it has .*centerface/);
});

test.serial('doctor examines a model file', async (t) => {
  await using repository = await TestRepository.create();
  await repository.addVersion('spots', 1, spotsModel(32, 32));
  const { code, stdout } = await sluice(['doctor', join(repository.directory, 'spots/1/model.onnx')]);
  t.is(code, 0);
  t.regex(stdout, /model\.onnx: opset \d+/);
  t.is((await sluice(['doctor', join(repository.directory, 'missing.onnx')])).code, 1);
});
