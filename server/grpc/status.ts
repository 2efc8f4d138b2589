import type { StatusObject } from '@grpc/grpc-js';
import type { ServingError } from '../core/errors.js';

/** Longest text of a status, as it is encoded: it travels in a header, of which clients take 8 KiB, some of them less. */
const MAX_DETAILS_BYTES = 4096;

/** The status that ends a call. */
export function toStatus({ status, message }: ServingError): Pick<StatusObject, 'code' | 'details'> {
  return { code: status, details: headerText(message) };
}

/** What can travel in a header: half a surrogate pair cannot, and grpc-js would throw where nobody catches. */
function headerText(message: string): string {
  let text = '';
  let bytes = 0;
  for (const character of message) {
    const shown = /^\p{Surrogate}$/u.test(character) ? '\uFFFD' : character;
    bytes += encodeURI(shown).length;
    if (bytes > MAX_DETAILS_BYTES) return `${text}...`;
    text += shown;
  }
  return text;
}
