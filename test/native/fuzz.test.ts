import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const ITERATIONS = 40_000;
const BUILD = join('build', 'fuzz');

test('random arguments, valid and not, break no operator under the sanitizers', (t) => {
  t.timeout(600_000);
  run('cmake', ['-S', 'native', '-B', BUILD, '-DSLUICE_SANITIZE=ON', '-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
  run('cmake', ['--build', BUILD, '--target', 'fuzz_operators']);
  const output = run(join(BUILD, 'fuzz_operators'), [String(ITERATIONS), '1']);
  t.regex(output, new RegExp(`^fuzz_operators: ${ITERATIONS} iterations done, \\d+ refused, seed 1\n$`));
});

function run(command: string, args: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${status ?? signal}:\n${stdout}\n${stderr}`);
}
