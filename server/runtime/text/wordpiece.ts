import type { TokenizerConfig } from '../../core/text-config.js';
import type { Vocabulary } from './vocabulary.js';

/** A longer word is unknown as a whole, in code points. */
const LONGEST_WORD = 100;

/** The blocks of Chinese characters, which Japanese shares; not its syllables, nor Hangul. */
const CJK =
  '\\u{4e00}-\\u{9fff}\\u{3400}-\\u{4dbf}\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}' +
  '\\u{2b820}-\\u{2ceaf}\\u{f900}-\\u{faff}\\u{2f800}-\\u{2fa1f}';

/** All of Unicode's, and of ASCII also what only BERT counts as such: `$+<=>^` and others. */
const PUNCTUATION = '\\p{P}!-/:-@\\[-`\\{-~';

/** Control, format and private characters, halves of pairs, and what stands for text that could not be read. */
const UNWANTED = /[^\P{C}\t\n\r\p{Cn}]|\ufffd/gu;
const MARKS = /\p{Mn}/gu;
const WORD = /\S+/gu;

/**
 * Splits texts into the tokens of BERT (https://arxiv.org/abs/1810.04805): words at spaces, punctuation and Chinese
 * characters, then each from its start into the longest pieces that the vocabulary has.
 *
 * It is written here, because the packages at hand are too slow for a server (seconds for a text of 64 KiB, for they try
 * every length of piece and stop at no limit) or do not know Chinese characters beyond the first plane.
 */
export class WordPiece {
  readonly #vocabulary: Vocabulary;
  readonly #unknown: number;
  readonly #lowerCase: boolean;
  readonly #stripAccents: boolean;
  readonly #parts: RegExp;

  /** Throws CONFIG_INVALID where the vocabulary has no [UNK]. */
  constructor(vocabulary: Vocabulary, config: Pick<TokenizerConfig, 'lower_case' | 'strip_accents' | 'split_cjk'>) {
    this.#vocabulary = vocabulary;
    this.#unknown = vocabulary.require('[UNK]');
    this.#lowerCase = config.lower_case;
    this.#stripAccents = config.strip_accents ?? config.lower_case;
    const alone = config.split_cjk ? PUNCTUATION + CJK : PUNCTUATION;
    this.#parts = new RegExp(`[${alone}]|[^${alone}]+`, 'gu');
  }

  /** The numbers of the text's tokens. Of a text with more than `most` it stops soon after those. */
  encode(text: string, most: number): number[] {
    const ids: number[] = [];
    for (const part of this.#wordsOf(text)) {
      this.#split(part, ids);
      if (ids.length > most) break;
    }
    return ids;
  }

  *#wordsOf(text: string): Generator<string> {
    for (const [word] of text.replace(UNWANTED, '').matchAll(WORD)) {
      for (const [part] of this.#normalized(word).matchAll(this.#parts)) yield part;
    }
  }

  #normalized(word: string): string {
    const cased = this.#lowerCase ? word.toLowerCase() : word;
    return this.#stripAccents ? cased.normalize('NFD').replace(MARKS, '') : cased;
  }

  /** Appends the pieces of a word, or [UNK] where it cannot be put together from pieces. */
  #split(word: string, ids: number[]): void {
    const ends = endsOfCharacters(word);
    const pieces = ends.length > LONGEST_WORD ? null : this.#pieces(word, ends);
    if (pieces === null) ids.push(this.#unknown);
    else ids.push(...pieces);
  }

  #pieces(word: string, ends: readonly number[]): number[] | null {
    const ids: number[] = [];
    for (let taken = 0; taken < ends.length;) {
      const start = ends[taken - 1] ?? 0;
      const known = taken === 0 ? this.#vocabulary.first : this.#vocabulary.next;
      let id: number | undefined;
      let end = ends.length;
      for (; end > taken && id === undefined; end--) {
        const stop = ends[end - 1]!;
        if (stop - start <= this.#vocabulary.longest) id = known.get(word.slice(start, stop));
      }
      if (id === undefined) return null;
      ids.push(id);
      taken = end + 1;
    }
    return ids;
  }
}

/** Where each code point ends. */
function endsOfCharacters(word: string): number[] {
  const ends: number[] = [];
  for (const character of word) ends.push((ends.at(-1) ?? 0) + character.length);
  return ends;
}
