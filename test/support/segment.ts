import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';

/** A segment of shared memory, as a client on this machine makes one; it goes when it is disposed of. */
export class Segment implements Disposable {
  readonly key: string;
  readonly file: string;

  constructor(bytes: Uint8Array) {
    this.key = `sluice-test-${randomUUID()}`;
    this.file = `/dev/shm/${this.key}`;
    writeFileSync(this.file, bytes);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(readFileSync(this.file));
  }

  /** Gives it another length. */
  resize(length: number): void {
    truncateSync(this.file, length);
  }

  [Symbol.dispose](): void {
    rmSync(this.file, { force: true });
  }
}
