/** The words of protobuf text format. Offsets are those of characters in the text. */

/** A text that is not protobuf text format. */
export class TextFormatError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

export type Token =
  /** A name or a number, as it was written. */
  | { readonly kind: 'word'; readonly offset: number; readonly text: string }
  /** One quoted piece: its bytes. Pieces that follow one another are one string, which may be UTF-8 only as a whole. */
  | { readonly kind: 'string'; readonly offset: number; readonly bytes: readonly number[] }
  | { readonly kind: 'mark'; readonly offset: number; readonly text: string }
  | { readonly kind: 'end'; readonly offset: number };

const BLANKS = /(?:[ \t\n\v\f\r]+|#[^\n]*)*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[A-Za-z0-9_.]*/y;
const MARKS = '{}<>[]:;,-/.';

/** What follows a backslash, and the byte that it stands for. */
const ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
  ['"', 34],
  ["'", 39],
  ['?', 63],
  ['\\', 92],
]);

/** An escape that tells a number: up to three octal digits, up to two hexadecimal ones, or a code point. */
const CODE = /([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})/y;

/** Reads a text word by word, one ahead. */
export class TextTokens {
  readonly #text: string;
  #offset = 0;
  #next: Token;

  /** Throws TextFormatError, as `take` does. */
  constructor(text: string) {
    this.#text = text;
    this.#next = this.#read();
  }

  /** The next word, which stays. */
  get next(): Token {
    return this.#next;
  }

  take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#next = this.#read();
    return token;
  }

  /** Takes the mark where it is next. */
  takeMark(text: string): boolean {
    if (this.#next.kind !== 'mark' || this.#next.text !== text) return false;
    this.take();
    return true;
  }

  #read(): Token {
    this.#match(BLANKS);
    const offset = this.#offset;
    const first = this.#text[offset];
    if (first === undefined) return { kind: 'end', offset };
    if (first === '"' || first === "'") return { kind: 'string', offset, bytes: this.#readString(first) };
    const word = this.#match(NAME) ?? this.#match(NUMBER);
    if (word !== null) return { kind: 'word', offset, text: word };
    if (!MARKS.includes(first)) throw new TextFormatError(offset, `${JSON.stringify(first)} has no meaning here`);
    this.#offset += 1;
    return { kind: 'mark', offset, text: first };
  }

  #readString(quote: string): number[] {
    const start = this.#offset;
    const bytes: number[] = [];
    for (this.#offset += 1; ;) {
      const from = this.#offset;
      const char = this.#text[from];
      if (char === undefined || char === '\n') throw new TextFormatError(start, `the string has no closing ${quote}`);
      this.#offset += 1;
      if (char === quote) return bytes;
      if (char === '\\') bytes.push(...this.#readEscape(from));
      else bytes.push(...Buffer.from(this.#character(from)));
    }
  }

  /** The whole character at `from`, which may be two units of the text. */
  #character(from: number): string {
    const character = String.fromCodePoint(this.#text.codePointAt(from) ?? 0);
    this.#offset = from + character.length;
    return character;
  }

  /** The bytes of what follows the backslash at `from`. */
  #readEscape(from: number): number[] {
    const plain = ESCAPES.get(this.#text[this.#offset] ?? '');
    if (plain !== undefined) {
      this.#offset += 1;
      return [plain];
    }
    CODE.lastIndex = this.#offset;
    const found = CODE.exec(this.#text);
    if (found === null) throw new TextFormatError(from, 'there is no such escape in a string');
    this.#offset = CODE.lastIndex;
    const [, octal, hex, short, long] = found;
    if (octal !== undefined) return [parseInt(octal, 8) & 0xff];
    if (hex !== undefined) return [parseInt(hex, 16)];
    const point = parseInt((short ?? long)!, 16);
    if (point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff))
      return [...Buffer.from(String.fromCodePoint(point))];
    throw new TextFormatError(from, 'there is no character of that number');
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#offset = pattern.lastIndex;
    return found[0];
  }
}
