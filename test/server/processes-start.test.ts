import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { Serving } from '../support/serving.js';
import { sluice, SluiceCommand } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';

const FREE = '127.0.0.1:0';

function command(directory: string, grpc = FREE, http = FREE): string[] {
  const addresses = ['--grpc-address', grpc, '--http-address', http];
  return ['serve', '--model-repository', directory, ...addresses, '--processes', '2'];
}

test.serial('a gRPC port that is taken ends the start of several processes with 1, told once', async (t) => {
  await using serving = await Serving.start(async () => {});
  const { grpcAddress } = serving.server;
  const { code, stderr } = await sluice(command(serving.repository.directory, grpcAddress));
  t.is(code, 1);
  t.true(stderr.includes(grpcAddress), stderr);
  t.regex(stderr, /EADDRINUSE.*--grpc-address/);
  t.is(stderr.trim().split('\n').length, 1, stderr);
});

test.serial('an HTTP port that is taken ends the start of several processes with 1', async (t) => {
  await using serving = await Serving.start(async () => {});
  const { code, stderr } = await sluice(command(serving.repository.directory, FREE, serving.server.httpAddress));
  t.is(code, 1);
  t.regex(stderr, /port \d+ is taken.*--http-address/);
});

test.serial('a repository that is not there ends the start of several processes with 1', async (t) => {
  await using repository = await TestRepository.create();
  const missing = join(repository.directory, 'missing');
  const { code, stderr } = await sluice(command(missing));
  t.is(code, 1);
  t.true(stderr.includes(missing));
  t.regex(stderr, /--model-repository/);
});

test.serial('processes that die again and again before they are ready end the server with 1', async (t) => {
  await using repository = await TestRepository.create();
  const dying = `import cluster from 'node:cluster'; if (cluster.isWorker) process.kill(process.pid, 'SIGKILL');`;
  const preload = `data:text/javascript,${encodeURIComponent(dying)}`;
  const started = Date.now();
  const { code, stdout, stderr } = await sluice(command(repository.directory), { NODE_OPTIONS: `--import ${preload}` });
  t.is(code, 1);
  t.regex(stderr, /^sluice: 5 server processes in a row ended before they were ready, the last one by: SIGKILL/);
  t.is(stdout.split('"a server process has ended"').length - 1, 5);
  t.true(Date.now() - started > 250 + 500 + 1000 + 2000, 'the pauses grow');
});

test.serial('SIGTERM before the first process runs ends the server with 0', async (t) => {
  await using repository = await TestRepository.create();
  const never = `import cluster from 'node:cluster'; if (cluster.isWorker) for (;;);`;
  const preload = `data:text/javascript,${encodeURIComponent(never)}`;
  const server = new SluiceCommand(command(repository.directory), { NODE_OPTIONS: `--import ${preload}` });
  const ended = server.ended();
  await eventually('it starts', () => server.stdout.includes('Server listening'));
  server.signal('SIGTERM');
  t.is((await ended).code, 0);
});
