import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { endlessModel } from '../support/endless-load.js';
import { embedOptions } from '../support/messages.js';
import { Serving } from '../support/serving.js';
import { sluice, SluiceCommand, type Outcome } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';
import { Wire } from '../support/wire-call.js';

const FREE = '127.0.0.1:0';

/** Tries to serve, which is expected to end by itself. */
async function attempt(directory: string, grpc: string, http: string): Promise<Outcome> {
  return sluice(['serve', '--model-repository', directory, '--grpc-address', grpc, '--http-address', http]);
}

test.serial('a gRPC port that is taken ends the start with 1, and the message says which and what to do', async (t) => {
  await using serving = await Serving.start(async () => {});
  const { grpcAddress } = serving.server;
  const { code, stderr } = await attempt(serving.repository.directory, grpcAddress, FREE);
  t.is(code, 1);
  t.true(stderr.includes(grpcAddress), stderr);
  t.regex(stderr, /EADDRINUSE|taken/);
  t.regex(stderr, /--grpc-address/);
});

test.serial(
  'an HTTP port that is taken ends the start with 1, and the message says which and what to do',
  async (t) => {
    await using serving = await Serving.start(async () => {});
    const { httpAddress } = serving.server;
    const { code, stderr } = await attempt(serving.repository.directory, FREE, httpAddress);
    t.is(code, 1);
    t.true(stderr.includes(httpAddress), stderr);
    t.regex(stderr, /port \d+ is taken.*--http-address/);
  },
);

test.serial('a start that fails prints no stack, and leaves nothing running', async (t) => {
  await using serving = await Serving.start(async () => {});
  const { stderr } = await attempt(serving.repository.directory, serving.server.grpcAddress, FREE);
  t.notRegex(stderr, /^\s+at /m);
  t.is(stderr.trim().split('\n').length, 1, stderr);
});

test.serial('a repository that is not there ends the start with 1 and says which flag to set', async (t) => {
  await using repository = await TestRepository.create();
  const missing = join(repository.directory, 'missing');
  const { code, stderr } = await attempt(missing, FREE, FREE);
  t.is(code, 1);
  t.true(stderr.includes(missing));
  t.regex(stderr, /--model-repository/);
});

test.serial('an address of another machine ends the start with 1', async (t) => {
  await using repository = await TestRepository.create();
  const { code, stderr } = await attempt(repository.directory, FREE, '192.0.2.1:0');
  t.is(code, 1);
  t.regex(stderr, /192\.0\.2\.1/);
});

test.serial('the addresses that were bound are logged, the port 0 replaced by the one taken', async (t) => {
  await using serving = await Serving.start(async () => {});
  const listening = serving.server.log.find(({ msg }) => msg === 'listening');
  for (const door of ['grpc', 'http']) t.regex(String(listening?.[door]), /^127\.0\.0\.1:[1-9]\d*$/);
});

test.serial('SIGTERM while the models load ends the server, however long they would take', async (t) => {
  await using repository = await TestRepository.create();
  const input = { width: 8, height: 8 };
  await repository.addModel('means', { task: 'embedding', input }, meansModel(8, 8));
  await repository.addModel('endless', { task: 'embedding', input }, endlessModel(8, 8));
  const flags = ['--model-repository', repository.directory, '--grpc-address', FREE, '--http-address', FREE];
  const command = new SluiceCommand(['serve', ...flags, '--exit-timeout', '0.5']);
  let outcome: Outcome | undefined;
  const ended = command.ended().then((how) => (outcome = how));
  try {
    await eventually('one model has loaded', () => command.stdout.includes('"msg":"loaded"'));
    command.signal('SIGTERM');
    t.is((await eventually('the server ends by itself', () => outcome)).code, 0);
  } finally {
    command.signal('SIGKILL');
    await ended;
  }
});

test.serial(
  'while the models load, a call to one that is still to come is told to come again, by name or without',
  async (t) => {
    await using repository = await TestRepository.create();
    await repository.addModel('endless', { task: 'embedding', input: { width: 8, height: 8 } }, endlessModel(8, 8));
    const flags = ['--model-repository', repository.directory, '--grpc-address', FREE, '--http-address', FREE];
    const command = new SluiceCommand(['serve', ...flags]);
    try {
      const address = await eventually('it listens', () => /"grpc":"([^"]+)"/.exec(command.stdout)?.[1]);
      using wire = new Wire(address);
      for (const model of ['', 'endless', 'other']) {
        const call = wire.embed();
        call.send(embedOptions({ model }));
        const { code, details } = await call.finish();
        t.is(code, Status.UNAVAILABLE, details);
      }
    } finally {
      command.signal('SIGKILL');
      await command.ended();
    }
  },
);
