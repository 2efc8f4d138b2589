import { readFile } from 'node:fs/promises';

export interface Instruction {
  /** `RUN`, `COPY`, ... */
  readonly name: string;
  /** What follows, on one line. */
  readonly rest: string;
}

export interface Stage {
  readonly name: string;
  /** An image, or an earlier stage; build arguments are filled in. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** A COPY: from where, what, to where. */
export interface Copy {
  /** The stage; null: what is sent to the builder. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

/** Reads the Dockerfile's stages, in their order. Throws on a stage without a name and on an argument without a default. */
export async function readDockerfile(): Promise<Stage[]> {
  const text = (await readFile('Dockerfile', 'utf8')).replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const all = text.split('\n').flatMap((line): Instruction[] => {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    return name === undefined || rest === undefined ? [] : [{ name, rest }];
  });
  const defaults = new Map<string, string>();
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of all) {
    const { name, rest } = instruction;
    if (name === 'ARG' && stages.length === 0) {
      const [argument, value] = rest.split('=');
      if (value === undefined) throw new Error(`the argument ${argument} has no default`);
      defaults.set(argument!, value);
    } else if (name === 'FROM') {
      const [, image, stage] = /^(\S+) AS (\S+)$/.exec(rest) ?? [];
      if (stage === undefined) throw new Error(`FROM ${rest} names no stage`);
      const from = image!.replace(/\$\{(\w+)\}/g, (_, argument: string) => defaults.get(argument)!);
      stages.push({ name: stage, from, instructions: [] });
    } else stages.at(-1)!.instructions.push(instruction);
  }
  return stages;
}

/** What a COPY says. */
export function readCopy(rest: string): Copy {
  const words = rest.split(/\s+/);
  const flag = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : null;
  return { from: flag, sources: words.slice(0, -1), target: words.at(-1)! };
}

/** The variables that a stage sets, those of the stages it is made from included. */
export function variablesOf(stages: readonly Stage[], name: string): Record<string, string> {
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage === undefined) return {};
  const own = stage.instructions.filter((instruction) => instruction.name === 'ENV');
  const pairs = own.flatMap(({ rest }) => rest.split(/\s+/).map((word) => word.split('=') as [string, string]));
  return { ...variablesOf(stages, stage.from), ...Object.fromEntries(pairs) };
}

/** The last instruction of that name in a stage, as JSON where it is a list of words. */
export function lastOf(stage: Stage, name: string): string {
  const found = stage.instructions.findLast((instruction) => instruction.name === name);
  if (found === undefined) throw new Error(`stage ${stage.name} has no ${name}`);
  return found.rest;
}
