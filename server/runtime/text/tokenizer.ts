import { resolve } from 'node:path';
import { ServingError } from '../../core/errors.js';
import type { Content } from '../../core/picture.js';
import type { TokenizerConfig } from '../../core/text-config.js';
import { modelDirectory } from '../model-directory.js';
import { Vocabulary } from './vocabulary.js';
import { WordPiece } from './wordpiece.js';

/** Turns texts into rows of tokens as a model was trained with them: [CLS] at the front and, mostly, [SEP] at the end. */
export class Tokenizer {
  /** Fills rows up. */
  readonly pad: number;
  readonly unknown: number;
  readonly #config: TokenizerConfig;
  readonly #pieces: WordPiece;
  readonly #front: number;
  /** Empty where texts do not end with [SEP]. */
  readonly #end: readonly number[];

  private constructor(vocabulary: Vocabulary, config: TokenizerConfig) {
    this.#config = config;
    this.#pieces = new WordPiece(vocabulary, config);
    this.pad = vocabulary.require('[PAD]');
    this.unknown = vocabulary.require('[UNK]');
    this.#front = vocabulary.require('[CLS]');
    this.#end = config.add_sep ? [vocabulary.require('[SEP]')] : [];
  }

  /** Reads the vocabulary, which lies in the directory of the model. Throws CONFIG_INVALID. */
  static async create(modelFile: string, config: TokenizerConfig): Promise<Tokenizer> {
    return new Tokenizer(await Vocabulary.read(resolve(modelDirectory(modelFile), config.vocab)), config);
  }

  /** The tokens of a text, at most `max_length`. Throws INVALID_REQUEST where there are more and none may be left out. */
  encode(text: string): number[] {
    const { max_length: longest, on_overflow: onOverflow } = this.#config;
    const room = longest - 1 - this.#end.length;
    const ids = this.#pieces.encode(text, room);
    if (ids.length > room && onOverflow === 'refuse') {
      throw new ServingError(
        'INVALID_REQUEST',
        `the text has more than ${room} tokens, which is the most beside [CLS]${this.#end.length > 0 ? ' and [SEP]' : ''}; ` +
          'send it in parts, or serve the model with tokenizer.on_overflow: truncate',
      );
    }
    return [this.#front, ...ids.slice(0, room), ...this.#end];
  }
}

/** What a model that reads is given; whoever let a picture through has failed to look. */
export function requireText(content: Content): string {
  if (content.kind === 'text') return content.text;
  throw new Error('a model that takes texts was given a picture');
}
