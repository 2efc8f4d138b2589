import { CALL_GROUPS, type CallGroup } from '../core/access/call-groups.js';
import { ERRORS, GrpcStatus } from '../core/errors.js';
import { EXIT_CODES } from './exit-codes.js';
import { code, markdownTable } from './markdown.js';
import { defaultText, flagName, OPTION_NAMES, serverOption, variableName } from './option-table.js';

/** What the doors have to tell: layers of the same rank do not import one another, so it is handed in. */
export interface DoorFacts {
  /** By service, the group of each method. */
  readonly methods: Readonly<Record<string, Readonly<Record<string, CallGroup>>>>;
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
export function serverReference({ methods, endpoints, metrics }: DoorFacts): string {
  const parts = [
    '# Server reference',
    '## Options of `sluice serve`',
    'A flag goes before its variable, a variable before the default. An empty variable counts as unset. A value that ' +
      'does not fit, or a flag that does not exist, ends the command with exit code 2.',
    optionTable(),
    '## Groups of calls',
    'What --allow-groups and the groups of tokens speak of. A call gets in when its address serves its group, and, with ' +
      'tokens, when its token is good for the group; health always gets in. Of the HTTP endpoints the probes are of the ' +
      'group health, `/metrics` and `/v1/status` of statistics, trying a picture is of inference, paths under `/v2` of the ' +
      'groups of their gRPC twins; the page itself, which ' +
      'tells nothing, is open to everyone.',
    groupTable(methods),
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

function groupTable(methods: DoorFacts['methods']): string {
  const calls = Object.entries(methods).flatMap(([service, groups]) =>
    Object.entries(groups).map(([method, group]) => ({ group, call: code(`${service.split('.').at(-1)}/${method}`) })),
  );
  return markdownTable(
    ['Group', 'Administration', 'What it is about', 'Calls'],
    Object.entries(CALL_GROUPS).map(([name, { admin, meaning }]) => [
      code(name),
      admin ? 'yes' : 'no',
      meaning,
      // Two versions of reflection have one name.
      [...new Set(calls.filter(({ group }) => group === name).map(({ call }) => call))].join(', '),
    ]),
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
