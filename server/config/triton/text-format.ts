import { TextFormatError, TextTokens, type Token } from './text-tokens.js';

/** One field as it was written: `name: value`, `name { ... }` or `name: [ ... ]`. */
export interface TextField {
  readonly name: string;
  /** Where the name starts, in characters of the text. */
  readonly offset: number;
  /** More than one, or none, only in a list. */
  readonly values: readonly TextValue[];
  readonly isList: boolean;
  /** Only a field of messages may do without. */
  readonly hasColon: boolean;
}

export type TextValue =
  | { readonly kind: 'message'; readonly offset: number; readonly fields: readonly TextField[] }
  | { readonly kind: 'string'; readonly offset: number; readonly text: string }
  /** A name or a number, with its sign: what it means depends on the field. */
  | { readonly kind: 'word'; readonly offset: number; readonly text: string };

/** Messages inside one another. Configurations have about eight. */
const DEEPEST = 64;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads protobuf text format (https://protobuf.dev/reference/protobuf/textformat-spec/) without knowing the message:
 * names and types of its fields are not looked at. Throws TextFormatError with the place of the first mistake. Names of
 * extensions and of types of Any are refused: no field of a configuration takes them.
 */
export function parseTextFormat(text: string): readonly TextField[] {
  const tokens = new TextTokens(text);
  return readFields(tokens, null, 0);
}

/** Up to the mark `end`, which is taken; null: to the end of the text. */
function readFields(tokens: TextTokens, end: string | null, depth: number): TextField[] {
  const start = tokens.next.offset;
  if (depth > DEEPEST) throw new TextFormatError(start, 'the messages are nested too deeply');
  const fields: TextField[] = [];
  for (;;) {
    const { next } = tokens;
    if (end !== null && tokens.takeMark(end)) return fields;
    if (next.kind === 'end') {
      if (end === null) return fields;
      throw new TextFormatError(next.offset, `expected a field or ${end}, found the end of the file`);
    }
    fields.push(readField(tokens, depth));
    // One of them may follow a field.
    if (!tokens.takeMark(';')) tokens.takeMark(',');
  }
}

function readField(tokens: TextTokens, depth: number): TextField {
  const name = tokens.take();
  if (name.kind === 'mark' && name.text === '[') {
    throw new TextFormatError(name.offset, 'extensions have no place in a configuration');
  }
  if (name.kind !== 'word' || !/^[A-Za-z_]/.test(name.text)) {
    throw new TextFormatError(name.offset, `expected the name of a field, found ${describe(name)}`);
  }
  const hasColon = tokens.takeMark(':');
  const isList = tokens.takeMark('[');
  const values = isList ? readList(tokens, depth) : [readValue(tokens, depth)];
  return { name: name.text, offset: name.offset, values, isList, hasColon };
}

/** Behind its opening bracket, to the closing one. */
function readList(tokens: TextTokens, depth: number): TextValue[] {
  const values: TextValue[] = [];
  if (tokens.takeMark(']')) return values;
  for (;;) {
    values.push(readValue(tokens, depth));
    if (tokens.takeMark(']')) return values;
    const { next } = tokens;
    if (!tokens.takeMark(',')) throw new TextFormatError(next.offset, `expected , or ], found ${describe(next)}`);
  }
}

function readValue(tokens: TextTokens, depth: number): TextValue {
  const { offset } = tokens.next;
  if (tokens.takeMark('{')) return { kind: 'message', offset, fields: readFields(tokens, '}', depth + 1) };
  if (tokens.takeMark('<')) return { kind: 'message', offset, fields: readFields(tokens, '>', depth + 1) };
  if (tokens.next.kind === 'string') return { kind: 'string', offset, text: readString(tokens) };
  const sign = tokens.takeMark('-') ? '-' : '';
  const word = tokens.take();
  if (word.kind === 'word') return { kind: 'word', offset, text: sign + word.text };
  throw new TextFormatError(word.offset, `expected a value, found ${describe(word)}`);
}

/** All pieces that follow one another. */
function readString(tokens: TextTokens): string {
  const { offset } = tokens.next;
  const bytes: number[] = [];
  while (tokens.next.kind === 'string') {
    bytes.push(...tokens.next.bytes);
    tokens.take();
  }
  try {
    return UTF8.decode(Uint8Array.from(bytes));
  } catch (cause) {
    // The decoder says so of bytes that are not UTF-8.
    if (cause instanceof TypeError) throw new TextFormatError(offset, 'the string is not UTF-8');
    throw cause;
  }
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the file';
    case 'string':
      return 'a string';
    default:
      return token.text;
  }
}
