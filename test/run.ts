import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Runs every test and ends with a line that counts them. Exit code 1 when one failed. Arguments are AVA's: files to run,
 * or `--config` for those of a folder that is left out otherwise.
 */
const words = process.argv.slice(2);
const ava = spawn('npx', ['ava', '--tap', ...words], { stdio: ['inherit', 'pipe', 'inherit'] });
let passed = 0;
let failed = 0;
let skipped = 0;
createInterface(ava.stdout).on('line', (line) => {
  if (/^ok .*# (SKIP|TODO)/.test(line)) skipped += 1;
  else if (line.startsWith('not ok')) failed += 1;
  else if (line.startsWith('ok')) passed += 1;
  if (/^(not )?ok|^ {4}|^#/.test(line)) console.log(line);
});
ava.on('close', (code) => {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = code === 0 && failed === 0 && passed > 0 ? 0 : 1;
});
