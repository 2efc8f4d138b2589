import { createHash } from 'node:crypto';
import type { InferenceRequest } from './inference.js';
import { contentBytes, type Content } from './picture.js';

/**
 * What a request asks, as a short text: requests of one model with the same key have the same answer. Null where that is
 * not so: what is kept of its picture belongs to one request, and kept pictures and key points only come from stages.
 */
export function requestKey({ content, parameters, keep }: InferenceRequest): string | null {
  if (keep !== undefined || content.kind === 'kept' || content.kind === 'points') return null;
  // Clients choose what is hashed: nobody may be able to make two requests of one key. SHA-256 has instructions of its
  // own, and is the fastest of Node's hashes that are safe so.
  const hash = createHash('sha256');
  // JSON says where it ends, and how long each of the parts behind it is.
  hash.update(JSON.stringify([described(content), parameters], exactNumber));
  for (const bytes of parts(content)) hash.update(bytes);
  return hash.digest('base64');
}

/** JSON has no word for some numbers, which regions may have. */
function exactNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;
}

/** All of the content but its bytes, whose number it says. */
function described(content: Content): unknown {
  switch (content.kind) {
    case 'text':
      return content;
    case 'tensors':
      return content.tensors.map(({ name, datatype, shape, data }) => [name, datatype, shape, data.length]);
    case 'raw':
      return [content.kind, content.format, content.width, content.height, content.stride, content.bytes.length];
    default:
      return [content.kind, contentBytes(content)];
  }
}

function parts(content: Content): readonly Uint8Array[] {
  switch (content.kind) {
    case 'tensors':
      return content.tensors.map(({ data }) => data);
    case 'raw':
    case 'encoded':
      return [content.bytes];
    default:
      return [];
  }
}
