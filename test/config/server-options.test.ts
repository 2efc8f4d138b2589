import test from 'ava';
import { Command, CommanderError } from 'commander';
import { OPTION_NAMES, type OptionName } from '../../server/config/option-table.js';
import {
  addServerOptions,
  resolveServerOptions,
  UsageError,
  type Environment,
  type ServerOptions,
} from '../../server/config/server-options.js';

function resolve(argv: readonly string[], environment: Environment = {}): ServerOptions {
  const command = addServerOptions(new Command('serve'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse([...argv], { from: 'user' });
  return resolveServerOptions(command.opts(), environment);
}

function usage(argv: readonly string[], environment: Environment = {}): string[] {
  try {
    resolve(argv, environment);
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n').slice(0, -1);
    throw error;
  }
  return [];
}

/** A value of every option that is not its default: the flag, its variable, the text, what it becomes. */
const SAMPLES: Record<OptionName, [flag: string, variable: string, text: string, value: unknown]> = {
  modelRepository: ['--model-repository', 'SLUICE_MODEL_REPOSITORY', '/models', '/models'],
  grpcAddress: ['--grpc-address', 'SLUICE_GRPC_ADDRESS', '0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  httpAddress: ['--http-address', 'SLUICE_HTTP_ADDRESS', '[::1]:80', { host: '::1', port: 80 }],
  httpPage: ['--http-page', 'SLUICE_HTTP_PAGE', 'false', false],
  modelControlMode: ['--model-control-mode', 'SLUICE_MODEL_CONTROL_MODE', 'poll', 'poll'],
  repositoryPollSecs: ['--repository-poll-secs', 'SLUICE_REPOSITORY_POLL_SECS', '0.5', 0.5],
  loadModel: ['--load-model', 'SLUICE_LOAD_MODEL', 'a, b', ['a', 'b']],
  strictReadiness: ['--strict-readiness', 'SLUICE_STRICT_READINESS', 'false', false],
  exitTimeout: ['--exit-timeout', 'SLUICE_EXIT_TIMEOUT', '0', 0],
  maxMessageBytes: ['--max-message-bytes', 'SLUICE_MAX_MESSAGE_BYTES', '1048576', 1_048_576],
  maxPicturePixels: ['--max-picture-pixels', 'SLUICE_MAX_PICTURE_PIXELS', '1000000', 1_000_000],
  defaultWindow: ['--default-window', 'SLUICE_DEFAULT_WINDOW', '3', 3],
  maxWindow: ['--max-window', 'SLUICE_MAX_WINDOW', '128', 128],
  processes: ['--processes', 'SLUICE_PROCESSES', '4', 4],
  threads: ['--threads', 'SLUICE_THREADS', '7', 7],
  engineCache: ['--engine-cache', 'SLUICE_ENGINE_CACHE', '/plans', '/plans'],
  engineCacheBytes: ['--engine-cache-bytes', 'SLUICE_ENGINE_CACHE_BYTES', '1000', 1000],
  logLevel: ['--log-level', 'SLUICE_LOG_LEVEL', 'debug', 'debug'],
  logFormat: ['--log-format', 'SLUICE_LOG_FORMAT', 'pretty', 'pretty'],
};

/** What --load-model needs beside itself. */
const EXPLICIT = { SLUICE_MODEL_CONTROL_MODE: 'explicit' };

for (const name of OPTION_NAMES) {
  const [flag, variable, text, value] = SAMPLES[name];
  const around = name === 'loadModel' ? EXPLICIT : {};

  test(`${flag} sets an option`, (t) => {
    t.deepEqual(resolve([flag, text], around)[name], value);
  });

  test(`${variable} sets the same option, unless it is empty`, (t) => {
    t.deepEqual(resolve([], { ...around, [variable]: text })[name], value);
    t.deepEqual(resolve([], { [variable]: '' })[name], resolve([])[name]);
  });

  test(`the help names ${flag} and ${variable}`, (t) => {
    const help = addServerOptions(new Command('serve')).helpInformation();
    t.true(help.includes(`${flag} <`));
    t.true(help.includes(`[${variable}, default: `));
  });
}

test('without flags and variables, everything has its default', (t) => {
  const { threads, engineCache, ...options } = resolve([]);
  t.true(threads >= 1);
  t.regex(engineCache, /\/sluice\/engines$/);
  t.deepEqual(options, {
    modelRepository: 'model-repo',
    grpcAddress: { host: '127.0.0.1', port: 8001 },
    httpAddress: { host: '127.0.0.1', port: 8000 },
    httpPage: true,
    modelControlMode: 'none',
    processes: 1,
    repositoryPollSecs: 15,
    loadModel: [],
    strictReadiness: true,
    exitTimeout: 30,
    maxMessageBytes: 32 * 1024 * 1024,
    maxPicturePixels: 64 * 1024 * 1024,
    defaultWindow: 8,
    maxWindow: 64,
    engineCacheBytes: 20 * 1024 * 1024 * 1024,
    logLevel: 'info',
    logFormat: 'json',
  });
});

test('a flag goes before its variable', (t) => {
  t.is(resolve(['--log-level', 'warn'], { SLUICE_LOG_LEVEL: 'debug' }).logLevel, 'warn');
});

test('a flag hides even a wrong value of its variable', (t) => {
  t.is(resolve(['--threads', '2'], { SLUICE_THREADS: 'many' }).threads, 2);
});

test('a repeated --load-model adds up, any other repeated flag counts once', (t) => {
  t.deepEqual(resolve(['--load-model', 'a', '--load-model', 'b,c'], EXPLICIT).loadModel, ['a', 'b', 'c']);
  t.is(resolve(['--threads', '2', '--threads', '3']).threads, 3);
});

test('everything that is wrong is told at once, by the name of the flag or the variable', (t) => {
  t.deepEqual(usage(['--grpc-address', 'localhost', '--exit-timeout', '-1'], { SLUICE_LOG_LEVEL: 'loud' }), [
    '--grpc-address: expected HOST:PORT such as 127.0.0.1:8001, [::1]:8001 or 0.0.0.0:0 (port 0: a free one), ' +
      'found "localhost"',
    '--exit-timeout: expected seconds from 0 to 3600, fractions allowed, found "-1"',
    'SLUICE_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, found "loud"',
  ]);
});

test('numbers are taken as they are written or not at all', (t) => {
  for (const text of ['0', '-1', '1.5', '1e3', '0x10', '12 000', '9999999999999', 'NaN', ' ']) {
    t.is(usage(['--threads', text]).length, 1, JSON.stringify(text));
  }
  t.is(resolve(['--threads', ' 12 ']).threads, 12);
});

test('the default window follows a lower limit, a chosen one contradicts it', (t) => {
  t.is(resolve(['--max-window', '4']).defaultWindow, 4);
  t.deepEqual(usage(['--max-window', '4', '--default-window', '5']), [
    '--default-window: expected at most --max-window (4), found 5',
  ]);
});

test('--load-model without explicit control is a mistake', (t) => {
  t.deepEqual(usage(['--load-model', 'a']), [
    '--load-model: only has a meaning with --model-control-mode explicit, found none',
  ]);
});

test('both servers at the same address are a mistake, both at any free port are not', (t) => {
  t.is(usage(['--http-address', '127.0.0.1:8001']).length, 1);
  t.is(usage(['--http-address', '127.0.0.1:0', '--grpc-address', '127.0.0.1:0']).length, 0);
});

test('an unknown flag, an argument and a flag without its value are refused', (t) => {
  for (const argv of [['--grpc-adress', 'x'], ['word'], ['--threads']]) {
    t.throws(() => resolve(argv), { instanceOf: CommanderError });
  }
});

test('the options cannot be changed', (t) => {
  t.true(Object.isFrozen(resolve([])));
});
