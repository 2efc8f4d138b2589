import { ERRORS, GrpcStatus } from '../core/errors.js';
import { EXIT_CODES } from './exit-codes.js';
import { code, markdownTable } from './markdown.js';
import { defaultText, flagName, OPTION_NAMES, serverOption, variableName } from './option-table.js';

/** What the HTTP layer has to tell: layers of the same rank do not import one another, so it is handed in. */
export interface HttpFacts {
  /** Path and what it answers. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly metrics: readonly {
    readonly name: string;
    readonly type: string;
    readonly labels: readonly string[];
    readonly help: string;
  }[];
}

/** The page for those who run the server: server/REFERENCE.md. */
export function serverReference({ endpoints, metrics }: HttpFacts): string {
  const parts = [
    '# Server reference',
    '## Options of `sluice serve`',
    'A flag goes before its variable, a variable before the default. An empty variable counts as unset. A value that ' +
      'does not fit, or a flag that does not exist, ends the command with exit code 2.',
    optionTable(),
    '## Exit codes',
    markdownTable(
      ['Code', 'Meaning'],
      Object.values(EXIT_CODES).map(({ code: number, meaning }) => [String(number), meaning]),
    ),
    'A second SIGTERM or SIGINT ends the process at once, by that signal.',
    '## Error codes',
    'A frame that fails carries one of these in `FrameError.code`. A call that fails ends with the gRPC status beside ' +
      'it. Retryable: the same request may succeed later, or at another replica.',
    errorTable(),
    '## HTTP endpoints',
    markdownTable(
      ['Path', 'Answer'],
      Object.entries(endpoints).map(([path, answer]) => [code(path), answer]),
    ),
    '## Metrics',
    'Beside these, `/metrics` has the usual `process_` and `nodejs_` series: memory, CPU, event loop, garbage ' +
      'collection. Durations are seconds, but microseconds where Triton has them so. The series of a version appear when it is loaded and go when it is unloaded.',
    markdownTable(
      ['Name', 'Type', 'Labels', 'Meaning'],
      metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), help]),
    ),
    '_Written by `make docs` from the tables in `server/config`, `server/core` and `server/http`._',
  ];
  return `${parts.join('\n\n')}\n`;
}

function optionTable(): string {
  return markdownTable(
    ['Flag', 'Variable', 'Value', 'Default', 'Meaning'],
    OPTION_NAMES.map((name) => {
      const { type, description } = serverOption(name);
      return [code(flagName(name)), code(variableName(name)), type.expected, defaultText(name), description];
    }),
  );
}

function errorTable(): string {
  const statusNames = new Map<number, string>(Object.entries(GrpcStatus).map(([name, number]) => [number, name]));
  return markdownTable(
    ['Code', 'gRPC status', 'Retryable', 'Meaning'],
    Object.entries(ERRORS).map(([name, { status, retryable, meaning }]) => [
      code(name),
      `${statusNames.get(status)} (${status})`,
      retryable ? 'yes' : 'no',
      meaning,
    ]),
  );
}
