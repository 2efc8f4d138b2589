/**
 * The architecture as tables; ARCHITECTURE.md tells the story. Paths are relative to server/. Type imports count like any
 * other: who knows a type knows the file.
 */

/** What each part of the server may import of the other parts. A part is a folder or a file without its ending. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // The middle: knows nobody. No protocol, no threads, no engine.
  core: ['gen'],
  // Pure functions on model files.
  onnx: ['core/errors', 'gen'],

  // The messages of sluice.v1, and core's words for them. Whatever door a frame comes through.
  protocol: ['core', 'gen'],

  // The doors: each between core and one part of the world. They never import one another.
  grpc: ['core', 'gen', 'protocol'],
  http: ['core'],
  runtime: ['core', 'onnx'],
  config: ['core'],
  tracing: ['core'],

  // Fetches models; a tool of the command line.
  catalog: ['core', 'onnx', 'gen'],

  // The composition roots: a server of one process or several, and one model without a server.
  'local-model': ['core', 'gen', 'runtime', 'config'],
  app: ['core', 'protocol', 'grpc', 'http', 'runtime', 'config', 'tracing'],
  processes: ['app', 'config', 'core', 'http'],
  // The composition of what `sluice build` takes.
  'plan-builds': ['core', 'runtime', 'config'],
  cli: ['app', 'processes', 'plan-builds', 'config', 'core', 'catalog', 'onnx', '../clients/typescript'],
  main: ['cli'],
};

/** Single files that may import what their part may not, and why. */
export const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // The server's reference page lists its methods, endpoints and metrics; these files are plain tables.
  'cli/reference': [
    'grpc/method-groups',
    'http/endpoints',
    'http/metric-definitions',
    'http/triton-metric-definitions',
  ],
  // What is drawn are detections, and core has them in the words of the protocol.
  'runtime/annotation/annotate-picture': ['gen'],
  'runtime/annotation/overlay': ['gen'],
};

/** Where something of the outside world may be used. */
export interface Door {
  readonly what: string;
  /** Files or folders of server/ that may use it; empty: nobody. */
  readonly only: readonly string[];
}

/** Packages with a single door. */
export const PACKAGE_DOORS: readonly (Door & { readonly packages: RegExp })[] = [
  { what: 'gRPC', packages: /^(@grpc\/|grpc-health-check$)/, only: ['grpc/'] },
  { what: 'descriptors', packages: /^@bufbuild\/protobuf(\/wkt)?$/, only: ['grpc/proto-files.ts'] },
  { what: 'fastify', packages: /^@?fastify(\/|$)/, only: ['http/'] },
  { what: 'prom-client', packages: /^prom-client$/, only: ['http/'] },
  { what: 'OpenTelemetry', packages: /^@opentelemetry\//, only: ['tracing/'] },
  { what: 'piscina', packages: /^piscina$/, only: ['runtime/instance-thread.ts', 'runtime/instance-worker.ts'] },
  { what: 'processes that share a port', packages: /^(node:)?cluster$/, only: ['processes/cluster.ts'] },
  {
    what: 'threads',
    packages: /^(node:)?worker_threads$/,
    only: ['runtime/instance-worker.ts', 'runtime/gpu-process-main.ts'],
  },
  { what: 'processes', packages: /^(node:)?child_process$/, only: ['runtime/gpu-process.ts', 'catalog/sources/'] },
  { what: 'ONNX Runtime', packages: /^onnxruntime/, only: ['runtime/onnx-session.ts'] },
  {
    what: 'sharp',
    packages: /^sharp$/,
    only: ['runtime/image-decoder.ts', 'runtime/map-encoder.ts', 'runtime/annotation/annotate-picture.ts'],
  },
  { what: 'the YAML parser', packages: /^yaml$/, only: ['config/', 'catalog/catalog.ts'] },
  { what: 'commander', packages: /^commander$/, only: ['cli/', 'config/server-options.ts'] },
  // These would be ways around the doors below.
  { what: 'process and console by import', packages: /^(node:)?(process|console)$/, only: [] },
];

/** Words of the source, outside comments, with a single door. */
export const WORD_DOORS: readonly (Door & { readonly words: RegExp; readonly within?: string })[] = [
  { what: 'process.env', words: /\bprocess\s*\.\s*env\b/, only: ['config/'] },
  { what: 'process.exit', words: /\bprocess\s*\.\s*(exit|abort|reallyExit)\b/, only: ['main.ts'] },
  { what: 'console', words: /\bconsole\s*\./, only: ['cli/'] },
  {
    what: 'native addons',
    words: /\bcreateRequire\b|\bprocess\s*\.\s*dlopen\b|\.node['"`]/,
    only: ['runtime/native-file.ts'],
  },
  {
    what: 'time and timers (core is given a Clock)',
    words: /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date|performance\.now)\b/,
    within: 'core/',
    only: ['core/clock.ts'],
  },
  {
    what: 'files (core reads the model repository and nothing else)',
    words: /\bnode:(fs|net|http|child_process)\b/,
    within: 'core/',
    only: ['core/repository-scan.ts'],
  },
];

/** A file with more lines has more than one noun. */
export const MOST_LINES = 300;
