import { errorMessage, ServingError } from '../../../core/errors.js';

export type Json = Readonly<Record<string, unknown>>;

/** From this many digits on a whole number may be one that JavaScript's cannot hold. */
const LONG_INTEGER = /\d{16}/;

/** Strings and numbers; within a string nothing is taken for a number. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The bytes `{`, and the last of those of blanks. */
const BRACE = 0x7b;
const BLANK = 0x20;

/** What stands in front of a long integer while it is a string; no text of ours may have a zero byte. */
const MARK = '\0n';

/**
 * Reads a JSON object. Whole numbers that are too large for a number become bigints, exact to the last digit. Throws
 * INVALID_REQUEST; nothing, or blanks only, is an empty object.
 */
export function readJson(bytes: Uint8Array): Json {
  const text = utf8(bytes);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = LONG_INTEGER.test(text)
      ? (JSON.parse(text.replace(TOKENS, markLong), unmark) as unknown)
      : (JSON.parse(text) as unknown);
  } catch (cause) {
    throw new ServingError('INVALID_REQUEST', `the body cannot be read as JSON: ${errorMessage(cause)}`, { cause });
  }
  if (isObject(value)) return value;
  throw new ServingError('INVALID_REQUEST', 'the body must be a JSON object');
}

/** Whether the bytes are a JSON object. */
export function isJsonObject(bytes: Uint8Array): boolean {
  // Spares reading what is plainly none.
  if (bytes.find((byte) => byte > BLANK) !== BRACE) return false;
  try {
    readJson(bytes);
    return true;
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const why =
      'the JSON of the body is not UTF-8; bytes of tensors belong behind it, and Inference-Header-Content-Length says ' +
      'where they begin (0: there is no JSON, and all of the body is the one input)';
    throw new ServingError('INVALID_REQUEST', why, { cause });
  }
}

function markLong(token: string): string {
  const long = token.length >= 16 && /^-?[1-9]\d*$/.test(token) && !Number.isSafeInteger(Number(token));
  return long ? JSON.stringify(MARK + token) : token;
}

function unmark(_key: string, value: unknown): unknown {
  return typeof value === 'string' && /^\0n-?\d+$/.test(value) ? BigInt(value.slice(MARK.length)) : value;
}
