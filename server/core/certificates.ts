/** A server's certificate with its key, both PEM, as they were read together. */
export interface Certificates {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Authorities whose clients are let in; null: clients show no certificate. */
  readonly clientRoots: Buffer | null;
  /** Whose it is. */
  readonly subject: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Certificates that are replaced while the server runs. */
export interface CertificateSource {
  readonly current: Certificates;
  /** Told of each that takes the place of another. */
  onChange(listener: (certificates: Certificates) => void): void;
}
