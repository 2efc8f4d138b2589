import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Certificates } from '../core/certificates.js';
import { errorMessage, ServingError } from '../core/errors.js';

/** Paths, for messages. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
  /** Null: clients show no certificate. */
  readonly clientRoots: string | null;
}

/**
 * The certificate and key of a server from what the files say. Throws CONFIG_INVALID, with the file, where TLS could not
 * serve with them, or clients would not trust them: not PEM, a key of another certificate, expired.
 */
export function readCertificates(
  [certificate, key, clientRoots]: readonly Buffer[],
  paths: CertificatePaths,
  now = Date.now(),
): Certificates {
  const own = attempt(paths.certificate, 'no certificate in PEM', () => new X509Certificate(certificate!));
  const secret = attempt(paths.key, 'no private key in PEM', () => createPrivateKey(key!));
  if (!own.checkPrivateKey(secret)) {
    throw new ServingError('CONFIG_INVALID', `${paths.key} is not the key of ${paths.certificate}`);
  }
  const expiresAt = Date.parse(own.validTo);
  if (expiresAt <= now) throw new ServingError('CONFIG_INVALID', `${paths.certificate} has expired, ${own.validTo}`);
  if (clientRoots !== undefined) {
    attempt(paths.clientRoots!, 'no certificate of an authority in PEM', () => new X509Certificate(clientRoots));
  }
  // TLS has its own idea of what it can use: weak keys, certificates between that are broken.
  attempt(paths.certificate, 'TLS cannot serve with it', () =>
    createSecureContext({ cert: certificate, key, ca: clientRoots }),
  );
  return {
    certificate: certificate!,
    key: key!,
    clientRoots: clientRoots ?? null,
    subject: own.subject.replaceAll('\n', ', '),
    expiresAt: Math.floor(expiresAt / 1000),
  };
}

function attempt<T>(path: string, problem: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `${path}: ${problem}: ${errorMessage(cause)}`, { cause });
  }
}
