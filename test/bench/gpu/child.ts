import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs one of the programs beside this file with `input` as JSON, and resolves with the JSON that it prints last. In a
 * process of its own, so that what one leaves on the device or on the heap is not measured by the next.
 */
export async function runChild<Output>(
  program: 'engine-child' | 'local-child' | 'task-child',
  input: unknown,
): Promise<Output> {
  const file = fileURLToPath(new URL(`${program}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, [file, JSON.stringify(input)], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Output;
}

/** What this program was given. */
export function childInput<Input>(): Input {
  return JSON.parse(process.argv[2] ?? 'null') as Input;
}
