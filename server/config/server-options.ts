import { Option, type Command } from 'commander';
import {
  defaultText,
  flagName,
  OPTION_NAMES,
  serverOption,
  variableName,
  type OptionName,
  type ServerOptions,
} from './option-table.js';
import { securityContradictions } from './security-contradictions.js';
import { SECURITY_OPTIONS, type SecurityOptionName } from './security-options.js';
import { isHttpUrl } from './option-types.js';

export type { ServerOptions };

/** What commander made of the flags: the texts as they were given, lists for those that may be repeated. */
export type FlagValues = Readonly<Partial<Record<OptionName, string | readonly string[]>>>;

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The command line or the environment asks for something impossible. Its message is for the terminal. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Adds the flags to `command`, or those of `names` only. They keep their text: `resolveServerOptions` reads, checks and
 * completes them.
 */
export function addServerOptions(command: Command, names: readonly OptionName[] = OPTION_NAMES): Command {
  for (const name of names) {
    const { type, repeatable, description } = serverOption(name);
    const note = `[${variableName(name)}, default: ${defaultText(name)}]`;
    const option = new Option(`${flagName(name)} <${type.placeholder}>`, `${description} ${note}`);
    if (repeatable === true) option.argParser((text: string, before?: string[]) => [...(before ?? []), text]);
    command.addOption(option);
  }
  return command;
}

/**
 * The options to run with: a flag goes before its variable, a variable before the default. An empty variable counts as
 * unset. Throws a UsageError that lists everything wrong.
 */
export function resolveServerOptions(flags: FlagValues, environment: Environment = process.env): ServerOptions {
  const problems: string[] = [];
  const resolved: Partial<Record<OptionName, unknown>> = {};
  for (const name of OPTION_NAMES) {
    const option = serverOption(name);
    const given = readSource(name, flags, environment);
    if (given === null) {
      resolved[name] = option.default;
      continue;
    }
    const result = option.type.schema.safeParse(given.text);
    if (result.success) resolved[name] = result.data;
    else problems.push(...result.error.issues.map(({ message }) => `${given.source}: ${message}`));
  }
  // Sound once no problem was found: every name has a value of its own type by then.
  let options = resolved as ServerOptions;
  // Lowering the limit alone is no contradiction.
  if (readSource('defaultWindow', flags, environment) === null) {
    options = { ...options, defaultWindow: Math.min(options.defaultWindow, options.maxWindow) };
  }
  if (problems.length === 0) problems.push(...contradictions(options));
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\nsee sluice serve --help`);
  return Object.freeze(options);
}

/** The variables that a server for a command's own use heeds: clients have no part in it. */
export function ownServerEnvironment(environment: Environment = process.env): Environment {
  const names = Object.keys(SECURITY_OPTIONS) as SecurityOptionName[];
  const left = new Set(names.map((name) => variableName(name)));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !left.has(name)));
}

interface Given {
  /** The flag or variable, for messages. */
  readonly source: string;
  readonly text: string;
}

function readSource(name: OptionName, flags: FlagValues, environment: Environment): Given | null {
  const flag = flags[name];
  if (flag !== undefined) return { source: flagName(name), text: typeof flag === 'string' ? flag : flag.join(',') };
  const variable = environment[variableName(name)];
  return variable === undefined || variable === '' ? null : { source: variableName(name), text: variable };
}

/** What is wrong with options that are right one by one. */
function contradictions(options: ServerOptions): string[] {
  const problems = securityContradictions(options);
  if (options.defaultWindow > options.maxWindow) {
    problems.push(
      `${flagName('defaultWindow')}: expected at most ${flagName('maxWindow')} (${options.maxWindow}), ` +
        `found ${options.defaultWindow}`,
    );
  }
  if (options.loadModel.length > 0 && options.modelControlMode !== 'explicit') {
    problems.push(
      `${flagName('loadModel')}: only has a meaning with ${flagName('modelControlMode')} explicit, ` +
        `found ${options.modelControlMode}`,
    );
  }
  if (options.rateLimitResource.length > 0 && options.rateLimit === 'off') {
    problems.push(`${flagName('rateLimitResource')}: only has a meaning with ${flagName('rateLimit')} execution_count`);
  }
  if (options.traceEndpoint !== null && !isHttpUrl(options.traceEndpoint)) {
    problems.push(`${flagName('traceEndpoint')}: expected an http:// or https:// URL, found ${options.traceEndpoint}`);
  }
  const { grpcAddress: grpc, httpAddress: http } = options;
  if (grpc.port !== 0 && grpc.port === http.port && grpc.host === http.host) {
    problems.push(`${flagName('httpAddress')}: expected another port than that of ${flagName('grpcAddress')}`);
  }
  return problems;
}
