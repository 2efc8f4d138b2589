import { hash } from 'node:crypto';
import { ServingError } from '../errors.js';
import { CALL_GROUP_NAMES, type CallGroup, type ServedGroups } from './call-groups.js';

/** Who sends a token. */
export interface TokenHolder {
  readonly name: string;
  /** What it may call; null: whatever the address serves. */
  readonly groups: ServedGroups | null;
}

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;

/**
 * The tokens of a token file: lines `NAME:TOKEN` or `NAME:TOKEN:GROUP,GROUP`; empty ones and those that begin with # say
 * nothing. Kept as hashes: a memory dump gives none away, and how long a look-up takes tells nothing of the others.
 */
export class Tokens {
  readonly #holders: ReadonlyMap<string, TokenHolder>;

  private constructor(holders: ReadonlyMap<string, TokenHolder>) {
    this.#holders = holders;
  }

  /** Throws CONFIG_INVALID with everything that is wrong, without a word of the tokens themselves. */
  static parse(text: string, file: string): Tokens {
    const holders = new Map<string, TokenHolder>();
    const names = new Set<string>();
    const problems: string[] = [];
    text.split('\n').forEach((raw, index) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) return;
      const complain = (problem: string): void => void problems.push(`  ${file}:${index + 1}: ${problem}`);
      const [name = '', token, groups, ...rest] = line.split(':').map((part) => part.trim());
      if (token === undefined || rest.length > 0) return complain('expected NAME:TOKEN or NAME:TOKEN:GROUP,GROUP');
      if (!/^[\w.@-]{1,64}$/.test(name)) complain('a name has 1 to 64 letters, digits and . _ @ -');
      if (names.has(name)) complain(`the name ${JSON.stringify(name)} is there twice`);
      if (!/^[\x21-\x7e]+$/.test(token) || token.length < LEAST_CHARACTERS) {
        complain(`a token has at least ${LEAST_CHARACTERS} characters of ASCII, none of them a space or a colon`);
      }
      const key = keyOf(token);
      if (holders.has(key)) complain('this token is there twice');
      names.add(name);
      holders.set(key, { name, groups: groups === undefined ? null : readGroups(groups, complain) });
    });
    if (problems.length > 0) throw new ServingError('CONFIG_INVALID', `tokens are wrong:\n${problems.join('\n')}`);
    return new Tokens(holders);
  }

  get size(): number {
    return this.#holders.size;
  }

  find(token: string): TokenHolder | null {
    return this.#holders.get(keyOf(token)) ?? null;
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64');
}

function readGroups(text: string, complain: (problem: string) => void): ServedGroups {
  const groups = text.split(',').map((name) => name.trim());
  const unknown = groups.filter((name) => !(CALL_GROUP_NAMES as readonly string[]).includes(name));
  if (unknown.length > 0) complain(`no group ${unknown.join(', ')}; there are ${CALL_GROUP_NAMES.join(', ')}`);
  return new Set(groups as CallGroup[]);
}
