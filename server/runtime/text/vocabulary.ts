import { readFile } from 'node:fs/promises';
import { errorMessage, ServingError } from '../../core/errors.js';

/** Begins the pieces that continue a word. */
const CONTINUES = '##';

/** The tokens of a model with their numbers, as its vocabulary file lists them. */
export class Vocabulary {
  /** Pieces that may begin a word, and those that may continue one, the latter without their `##`. */
  readonly first: ReadonlyMap<string, number>;
  readonly next: ReadonlyMap<string, number>;
  /** UTF-16 units of the longest piece. */
  readonly longest: number;

  private constructor(tokens: readonly string[]) {
    const first = new Map<string, number>();
    const next = new Map<string, number>();
    let longest = 0;
    tokens.forEach((token, id) => {
      first.set(token, id);
      if (token.startsWith(CONTINUES)) next.set(token.slice(CONTINUES.length), id);
      longest = Math.max(longest, token.length);
    });
    this.first = first;
    this.next = next;
    this.longest = longest;
  }

  /** Reads a file with one token a line, each as it stands. Throws CONFIG_INVALID. */
  static async read(file: string): Promise<Vocabulary> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (cause) {
      throw new ServingError('CONFIG_INVALID', `tokenizer.vocab: ${file} cannot be read: ${errorMessage(cause)}`, {
        cause,
      });
    }
    return new Vocabulary(text.replace(/\r?\n$/, '').split(/\r?\n/));
  }

  /** Tokens that it has. */
  get size(): number {
    return this.first.size;
  }

  /** The number of a token that has to be there. Throws CONFIG_INVALID. */
  require(token: string): number {
    const id = this.first.get(token);
    if (id !== undefined) return id;
    throw new ServingError('CONFIG_INVALID', `tokenizer.vocab: none of its ${this.size} lines is ${token}`);
  }
}
