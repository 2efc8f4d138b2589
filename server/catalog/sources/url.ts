import { errorMessage } from '../../core/errors.js';
import { CatalogError } from '../catalog-error.js';

/** Downloads over HTTP. Throws CatalogError where nobody answers, the answer is no success, or it is cut off. */
export async function downloadUrl(
  url: string,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw signal.aborted
      ? cause
      : new CatalogError(`${url} cannot be reached (is there a network?): ${reasonOf(cause)}`, { cause });
  });
  if (!response.ok || response.body === null) {
    throw new CatalogError(`${url} answered ${response.status} ${response.statusText}; check the address.`);
  }
  const total = Number(response.headers.get('content-length') ?? NaN);
  const chunks: Uint8Array[] = [];
  let received = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      received += chunk.byteLength;
      if (total > 0) onProgress(received / total);
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    const expected = total > 0 ? ` of ${total}` : '';
    throw new CatalogError(`${url} was cut off after ${received}${expected} bytes; pull again.`, { cause });
  }
  return Buffer.concat(chunks);
}

/** fetch hides the system's reason in the cause of its error. */
function reasonOf(cause: unknown): string {
  return errorMessage(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause);
}
