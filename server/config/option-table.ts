import type { z } from 'zod';
import { availableCores } from './available-cores.js';
import { cacheDirectory } from './cache-directory.js';
import {
  boolean,
  choice,
  directory,
  fraction,
  httpUrl,
  integer,
  listenAddress,
  names,
  seconds,
} from './option-types.js';
import { option, type ServerOption } from './option.js';
import { otlpEndpoint } from './otlp-endpoint.js';
import { resourceLimits } from './rate-limit-resources.js';
import { SECURITY_OPTIONS } from './security-options.js';

/**
 * All options of the server. Flags (`--grpc-address`), variables (`SLUICE_GRPC_ADDRESS`), types, defaults, checks,
 * `--help` and the reference come from here.
 */
export const OPTION_TABLE = {
  modelRepository: option(directory(), {
    default: 'model-repo',
    description: 'Directory with one directory for each model.',
  }),
  grpcAddress: option(listenAddress(), {
    default: { host: '127.0.0.1', port: 8001 },
    description: 'Where clients connect. 0.0.0.0 opens it to the network.',
  }),
  httpAddress: option(listenAddress(), {
    default: { host: '127.0.0.1', port: 8000 },
    description: 'Where probes, metrics and the live page are served.',
  }),
  httpPage: option(boolean(), {
    default: true,
    description:
      'true: the HTTP port also has a live page, the status that it shows, and a way to try models with pictures. false: ' +
      'probes and metrics only.',
  }),
  ...SECURITY_OPTIONS,
  modelControlMode: option(choice('none', 'poll', 'explicit'), {
    default: 'none',
    description:
      'none: load every model once, at the start. poll: also follow changes of the repository. explicit: load only ' +
      'the models of --load-model.',
  }),
  repositoryPollSecs: option(seconds(0.1, 86_400), {
    default: 15,
    description: 'How often the repository is looked at when --model-control-mode is poll.',
  }),
  loadModel: option(names('NAME'), {
    default: [],
    defaultText: 'no model',
    repeatable: true,
    description: 'Model to load when --model-control-mode is explicit; repeatable. * stands for all.',
  }),
  strictReadiness: option(boolean(), {
    default: true,
    description:
      'true: ready when every model that should be served is READY. false: ready as soon as the server answers, ' +
      'whatever its models do.',
  }),
  drainDelay: option(seconds(0, 3600), {
    default: 0,
    description:
      'How long a stopping server goes on taking work after it has told NOT_SERVING, so that load balancers send the ' +
      'next work elsewhere before it takes none. In a cluster 5 to 15.',
  }),
  exitTimeout: option(seconds(0, 3600), {
    default: 30,
    description: 'How long a stopping server that takes no more work waits for the frames it has taken. 0: not at all.',
  }),
  maxMessageBytes: option(integer('BYTES', 1024, 1_073_741_824), {
    default: 33_554_432,
    defaultText: '33554432 (32 MiB)',
    description: 'Longest message that is received, and so the longest picture. Raw pixels may need more.',
  }),
  maxPicturePixels: option(integer('PIXELS', 1, 268_435_456), {
    default: 67_108_864,
    defaultText: '67108864 (8192 x 8192)',
    description:
      'Largest picture that is decoded, width times height. A few kilobytes of PNG can claim any size; the default ' +
      'lets the pictures of every common camera through and bounds what one picture takes in memory to 192 MiB.',
  }),
  defaultWindow: option(integer('FRAMES', 1, 1024), {
    default: 8,
    defaultText: '8, or --max-window where that is less',
    description: 'Frames that a stream may have in flight when it does not ask for a number.',
  }),
  maxWindow: option(integer('FRAMES', 1, 1024), {
    default: 64,
    description: 'Most frames in flight that a stream may ask for.',
  }),
  processes: option(integer('COUNT', 1, 64), {
    default: 1,
    description:
      'Server processes that share the gRPC port; each has an event loop, and loads every model for itself. More than ' +
      'one where messages keep one core busy; connections are handed out in turn, so clients should open several.',
  }),
  threads: option(integer('COUNT', 1, 1024), {
    default: availableCores(),
    defaultText: "the cores of the machine, or of the container's CPU limit",
    description:
      'CPU threads that the instances on the CPU share, where their model does not set its own number. Each process of ' +
      '--processes has its part, at least one.',
  }),
  engineCache: option(directory(), {
    default: cacheDirectory('engines'),
    defaultText: '$XDG_CACHE_HOME/sluice/engines, or ~/.cache/sluice/engines',
    description: 'Where plans for GPUs are kept once they are built. Servers of one machine may share it.',
  }),
  engineCacheBytes: option(integer('BYTES', 0, 2 ** 50), {
    default: 20 * 2 ** 30,
    defaultText: `${20 * 2 ** 30} (20 GiB)`,
    description: 'What plans may take there. Beyond it those go that were not used for longest; what is in use stays.',
  }),
  rateLimit: option(choice('off', 'execution_count'), {
    default: 'off',
    description:
      'execution_count: models whose configuration has instance_group.rate_limiter execute only while they have their ' +
      'resources, in turn by their priority. off: an instance executes whenever it is idle.',
  }),
  rateLimitResource: option(resourceLimits(), {
    default: [],
    defaultText: 'as much of each as the model takes that takes most',
    repeatable: true,
    description:
      'How much there is of a resource of rate limiters, of one GPU or everywhere, in each process; repeatable. Only with ' +
      '--rate-limit execution_count.',
  }),
  responseCacheBytes: option(integer('BYTES', 0, 2 ** 50), {
    default: 0,
    defaultText: '0, none are kept',
    description:
      'Memory in which answers are kept of models whose configuration has response_cache. Beyond it those go that were ' +
      'not asked for for longest. Each process of --processes has as much.',
  }),
  traceEndpoint: option(httpUrl(), {
    default: otlpEndpoint(),
    defaultText: '$OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or $OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces; else no traces',
    description: 'Collector that traces are sent to by OTLP over HTTP: http://127.0.0.1:4318/v1/traces.',
  }),
  traceSampleRatio: option(fraction(), {
    default: 1,
    description:
      'Share of the requests that is traced where the client sends no trace context; else the client decides.',
  }),
  logLevel: option(choice('trace', 'debug', 'info', 'warn', 'error', 'fatal'), {
    default: 'info',
    description: 'Least severity that is logged.',
  }),
  logFormat: option(choice('json', 'pretty'), {
    default: 'json',
    description: 'json: one object a line, for machines. pretty: coloured lines, for people.',
  }),
} as const satisfies Record<string, ServerOption>;

export type OptionName = keyof typeof OPTION_TABLE;

/** Every option of the server with its value. Sizes are bytes, lengths of time seconds. */
export type ServerOptions = { readonly [N in OptionName]: z.output<(typeof OPTION_TABLE)[N]['type']['schema']> };

/** The options in the order of the help. */
export const OPTION_NAMES = Object.keys(OPTION_TABLE) as OptionName[];

/** The table's entry, with its value's type left open. */
export function serverOption(name: OptionName): ServerOption {
  return OPTION_TABLE[name];
}

/** `grpcAddress` is `--grpc-address` on the command line. */
export function flagName(name: OptionName): string {
  return `--${words(name).join('-')}`;
}

/** `grpcAddress` is `SLUICE_GRPC_ADDRESS` in the environment. */
export function variableName(name: OptionName): string {
  return ['SLUICE', ...words(name)].join('_').toUpperCase();
}

/** The default as the documentation shows it. */
export function defaultText(name: OptionName): string {
  const { type, default: value, defaultText: text } = serverOption(name);
  return text ?? type.format(value);
}

function words(name: OptionName): string[] {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(' ');
}
