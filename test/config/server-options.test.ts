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
  rateLimit: ['--rate-limit', 'SLUICE_RATE_LIMIT', 'execution_count', 'execution_count'],
  rateLimitResource: [
    '--rate-limit-resource',
    'SLUICE_RATE_LIMIT_RESOURCE',
    'R:2:1, S:3',
    [
      { name: 'R', count: 2, device: 'GPU 1' },
      { name: 'S', count: 3, device: null },
    ],
  ],
  responseCacheBytes: ['--response-cache-bytes', 'SLUICE_RESPONSE_CACHE_BYTES', '4096', 4096],
  grpcUseSsl: ['--grpc-use-ssl', 'SLUICE_GRPC_USE_SSL', 'true', true],
  grpcUseSslMutual: ['--grpc-use-ssl-mutual', 'SLUICE_GRPC_USE_SSL_MUTUAL', 'true', true],
  grpcServerCert: ['--grpc-server-cert', 'SLUICE_GRPC_SERVER_CERT', '/tls/other.crt', '/tls/other.crt'],
  grpcServerKey: ['--grpc-server-key', 'SLUICE_GRPC_SERVER_KEY', '/tls/other.key', '/tls/other.key'],
  grpcRootCert: ['--grpc-root-cert', 'SLUICE_GRPC_ROOT_CERT', '/tls/other.ca', '/tls/other.ca'],
  httpUseSsl: ['--http-use-ssl', 'SLUICE_HTTP_USE_SSL', 'true', true],
  httpUseSslMutual: ['--http-use-ssl-mutual', 'SLUICE_HTTP_USE_SSL_MUTUAL', 'true', true],
  allowedOrigins: [
    '--allowed-origins',
    'SLUICE_ALLOWED_ORIGINS',
    'https://example.org, http://localhost:3000',
    ['https://example.org', 'http://localhost:3000'],
  ],
  authTokenFile: ['--auth-token-file', 'SLUICE_AUTH_TOKEN_FILE', '/tokens', '/tokens'],
  allowGroups: ['--allow-groups', 'SLUICE_ALLOW_GROUPS', 'inference, metadata', ['inference', 'metadata']],
  allowClientShm: ['--allow-client-shm', 'SLUICE_ALLOW_CLIENT_SHM', 'true', true],
  adminAddress: ['--admin-address', 'SLUICE_ADMIN_ADDRESS', '127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  maxClientInflight: ['--max-client-inflight', 'SLUICE_MAX_CLIENT_INFLIGHT', '5', 5],
  maxClientBytes: ['--max-client-bytes', 'SLUICE_MAX_CLIENT_BYTES', '1000', 1000],
  grpcKeepaliveTime: ['--grpc-keepalive-time', 'SLUICE_GRPC_KEEPALIVE_TIME', '2.5', 2.5],
  grpcKeepaliveTimeout: ['--grpc-keepalive-timeout', 'SLUICE_GRPC_KEEPALIVE_TIMEOUT', '5', 5],
  grpcMaxConnectionAge: ['--grpc-max-connection-age', 'SLUICE_GRPC_MAX_CONNECTION_AGE', '300', 300],
  grpcMaxConnectionAgeGrace: ['--grpc-max-connection-age-grace', 'SLUICE_GRPC_MAX_CONNECTION_AGE_GRACE', '9', 9],
  grpcMaxConcurrentStreams: ['--grpc-max-concurrent-streams', 'SLUICE_GRPC_MAX_CONCURRENT_STREAMS', '50', 50],
  grpcInferResponseCompressionLevel: [
    '--grpc-infer-response-compression-level',
    'SLUICE_GRPC_INFER_RESPONSE_COMPRESSION_LEVEL',
    'low',
    'low',
  ],
  httpPage: ['--http-page', 'SLUICE_HTTP_PAGE', 'false', false],
  modelControlMode: ['--model-control-mode', 'SLUICE_MODEL_CONTROL_MODE', 'poll', 'poll'],
  repositoryPollSecs: ['--repository-poll-secs', 'SLUICE_REPOSITORY_POLL_SECS', '0.5', 0.5],
  loadModel: ['--load-model', 'SLUICE_LOAD_MODEL', 'a, b', ['a', 'b']],
  strictReadiness: ['--strict-readiness', 'SLUICE_STRICT_READINESS', 'false', false],
  drainDelay: ['--drain-delay', 'SLUICE_DRAIN_DELAY', '2.5', 2.5],
  exitTimeout: ['--exit-timeout', 'SLUICE_EXIT_TIMEOUT', '0', 0],
  maxMessageBytes: ['--max-message-bytes', 'SLUICE_MAX_MESSAGE_BYTES', '1048576', 1_048_576],
  maxPicturePixels: ['--max-picture-pixels', 'SLUICE_MAX_PICTURE_PIXELS', '1000000', 1_000_000],
  defaultWindow: ['--default-window', 'SLUICE_DEFAULT_WINDOW', '3', 3],
  maxWindow: ['--max-window', 'SLUICE_MAX_WINDOW', '128', 128],
  processes: ['--processes', 'SLUICE_PROCESSES', '4', 4],
  threads: ['--threads', 'SLUICE_THREADS', '7', 7],
  engineCache: ['--engine-cache', 'SLUICE_ENGINE_CACHE', '/plans', '/plans'],
  engineCacheBytes: ['--engine-cache-bytes', 'SLUICE_ENGINE_CACHE_BYTES', '1000', 1000],
  traceEndpoint: ['--trace-endpoint', 'SLUICE_TRACE_ENDPOINT', 'https://otel:4318/x', 'https://otel:4318/x'],
  traceSampleRatio: ['--trace-sample-ratio', 'SLUICE_TRACE_SAMPLE_RATIO', '.05', 0.05],
  logLevel: ['--log-level', 'SLUICE_LOG_LEVEL', 'debug', 'debug'],
  logFormat: ['--log-format', 'SLUICE_LOG_FORMAT', 'pretty', 'pretty'],
};

/** What --load-model needs beside itself. */
const EXPLICIT = { SLUICE_MODEL_CONTROL_MODE: 'explicit' };

/** What the options of TLS need beside themselves. */
const TLS = {
  SLUICE_GRPC_USE_SSL: 'true',
  SLUICE_GRPC_SERVER_CERT: '/tls/server.crt',
  SLUICE_GRPC_SERVER_KEY: '/tls/server.key',
};
const MUTUAL_TLS = {
  ...TLS,
  SLUICE_GRPC_USE_SSL_MUTUAL: 'true',
  SLUICE_HTTP_USE_SSL: 'true',
  SLUICE_GRPC_ROOT_CERT: '/tls/ca.crt',
};

function neededBy(name: OptionName): Environment {
  if (name === 'loadModel') return EXPLICIT;
  if (name === 'rateLimitResource') return { SLUICE_RATE_LIMIT: 'execution_count' };
  return /Ssl|Cert|ServerKey/.test(name) ? MUTUAL_TLS : {};
}

for (const name of OPTION_NAMES) {
  const [flag, variable, text, value] = SAMPLES[name];
  const around = neededBy(name);

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
    grpcUseSsl: false,
    grpcUseSslMutual: false,
    grpcServerCert: null,
    grpcServerKey: null,
    grpcRootCert: null,
    httpUseSsl: false,
    httpUseSslMutual: false,
    allowedOrigins: [],
    authTokenFile: null,
    allowGroups: null,
    adminAddress: null,
    allowClientShm: false,
    maxClientInflight: 0,
    maxClientBytes: 0,
    grpcKeepaliveTime: 60,
    grpcKeepaliveTimeout: 20,
    grpcMaxConnectionAge: 0,
    grpcMaxConnectionAgeGrace: 30,
    grpcMaxConcurrentStreams: 1024,
    grpcInferResponseCompressionLevel: 'none',
    httpPage: true,
    modelControlMode: 'none',
    processes: 1,
    repositoryPollSecs: 15,
    loadModel: [],
    strictReadiness: true,
    drainDelay: 0,
    exitTimeout: 30,
    maxMessageBytes: 32 * 1024 * 1024,
    maxPicturePixels: 64 * 1024 * 1024,
    defaultWindow: 8,
    maxWindow: 64,
    engineCacheBytes: 20 * 1024 * 1024 * 1024,
    rateLimit: 'off',
    rateLimitResource: [],
    responseCacheBytes: 0,
    traceEndpoint: null,
    traceSampleRatio: 1,
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

test('origins are taken as browsers write them, or *', (t) => {
  t.deepEqual(resolve(['--allowed-origins', '*']).allowedOrigins, ['*']);
  for (const text of [
    'example.org',
    'https://example.org/',
    'https://example.org/a',
    'https://*.example.org',
    'null',
    'http://a:80',
  ]) {
    t.is(usage(['--allowed-origins', text]).length, 1, text);
  }
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

test('a share is a number from 0 to 1, and a collector is at a URL', (t) => {
  for (const text of ['-0.1', '1.1', 'half', '.', '1e-2']) {
    t.is(usage(['--trace-sample-ratio', text]).length, 1, text);
  }
  t.is(resolve(['--trace-sample-ratio', '0']).traceSampleRatio, 0);
  for (const text of ['localhost:4318', 'ftp://collector', 'http://', 'none']) {
    t.is(usage(['--trace-endpoint', text]).length, 1, text);
  }
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
