import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { TestRepository } from '../support/test-repository.js';

/**
 * A server that is the first process of its container, where the system's own handling of signals is none: what is not
 * caught does nothing.
 */

const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));

/** A process namespace takes the rights of root. */
const UNSHARE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
const usable = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'true']).status === 0;
const namespaceTest = usable ? test.serial : test.serial.skip;
const reason = usable ? '' : ' (this user may not make a process namespace)';

/** A server without models, with its process outside the namespace. */
async function start(repository: TestRepository, flags: readonly string[]) {
  const free = '127.0.0.1:0';
  const addresses = ['--grpc-address', free, '--http-address', free];
  const serve = [MAIN, 'serve', '--model-repository', repository.directory, ...addresses, ...flags];
  const child = spawn(UNSHARE[0], [...UNSHARE.slice(1), process.execPath, ...serve], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  child.stdout.on('data', (text: Buffer) => (log += text.toString()));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const said = (step: string): Promise<boolean> => eventually(step, () => log.includes(`"${step}"`));
  await said('started');
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  return { server: Number(children), closed, said, log: () => log, [Symbol.asyncDispose]: end };
}

namespaceTest(`a first process takes SIGTERM, drains and ends with 0${reason}`, async (t) => {
  await using repository = await TestRepository.create();
  await using first = await start(repository, ['--drain-delay', '0.2']);
  t.regex(first.log(), /"pid":1,/);
  process.kill(first.server, 'SIGTERM');
  t.is((await first.closed)[0], 0);
  t.true(first.log().includes('"stopped"'));
});

namespaceTest(`a second signal ends a first process at once, with the code of that signal${reason}`, async (t) => {
  await using repository = await TestRepository.create();
  await using first = await start(repository, ['--drain-delay', '600']);
  process.kill(first.server, 'SIGTERM');
  await first.said('draining');
  process.kill(first.server, 'SIGINT');
  t.is((await first.closed)[0], 128 + 2);
});
