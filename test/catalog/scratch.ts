import type { ExecutionContext } from 'ava';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory that goes when the test ends. */
export function scratch(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Every file and directory below `path`, sorted. */
export function listing(path: string): string[] {
  return readdirSync(path, { recursive: true }).map(String).sort();
}
