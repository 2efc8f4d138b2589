import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Runs every test and ends with what failed, why, and a line that counts them. Exit code 1 when one failed. Arguments
 * are AVA's: files to run, or `--config` for those of a folder that is left out otherwise.
 */
const words = process.argv.slice(2);
const ava = spawn('npx', ['ava', '--tap', ...words], { stdio: ['inherit', 'pipe', 'inherit'] });
let passed = 0;
let skipped = 0;
/** A list for each test that failed: the line that names it, then those of its reason. */
const failures: string[][] = [];
let ofFailure = false;
createInterface(ava.stdout).on('line', (line) => {
  if (/^(not )?ok/.test(line)) ofFailure = line.startsWith('not ok');
  if (/^ok .*# (SKIP|TODO)/.test(line)) skipped += 1;
  else if (line.startsWith('not ok')) failures.push([line]);
  else if (line.startsWith('ok')) passed += 1;
  else if (ofFailure && line.startsWith('    ')) failures.at(-1)!.push(line);
  if (/^(not )?ok|^ {4}|^#/.test(line)) console.log(line);
});
ava.on('close', (code) => {
  // Said again: whoever reads the end of a long log sees what to mend.
  for (const failure of failures) console.log(failure.join('\n'));
  console.log(`${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = code === 0 && failures.length === 0 && passed > 0 ? 0 : 1;
});
