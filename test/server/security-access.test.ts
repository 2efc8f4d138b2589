import { writeFile } from 'node:fs/promises';
import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { CALL_GROUPS } from '../../server/core/access/call-groups.js';
import { METHODS } from '../../server/grpc/method-groups.js';
import { callError } from '../support/call-error.js';
import { eventually } from '../support/eventually.js';
import { GuardedServer, PUBLIC } from '../support/guarded-server.js';
import { HealthClient } from '../support/health-client.js';
import { callPlain } from '../support/plain-call.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

const LIST = '/sluice.v1.Repository/ListModels';
const ADMIN = 'admin-admin-admin-admin';
const CAMERA = 'camera-camera-camera-1';
const TOKENS = `operator:${ADMIN}\ncamera:${CAMERA}:inference\n`;

const DENIED: readonly number[] = [Status.PERMISSION_DENIED, Status.UNAUTHENTICATED];

/** The groups of which a call gets in at an address. */
async function openGroups(address: string, token?: string): Promise<string[]> {
  const groups = new Map<string, boolean>();
  for (const [path, { group }] of METHODS) {
    const how = token === undefined ? {} : { token };
    // Watch does not end by itself.
    if (path.endsWith('/Watch')) continue;
    const open = !DENIED.includes((await callPlain(address, path, how)).code);
    checkAlike(groups, group, open, path);
  }
  return [...groups].filter(([, open]) => open).map(([group]) => group);
}

/** Throws unless all methods of a group are treated alike. */
function checkAlike(groups: Map<string, boolean>, group: string, open: boolean, path: string): void {
  if ((groups.get(group) ?? open) !== open) throw new Error(`${path} is treated otherwise than its group ${group}`);
  groups.set(group, open);
}

const ALL = Object.keys(CALL_GROUPS).sort();
const WITHOUT_ADMIN = ['health', 'inference', 'metadata', 'model-config', 'statistics'];

test.serial('where only this machine connects every group is open', async (t) => {
  await using served = await GuardedServer.start([]);
  t.deepEqual((await openGroups(served.address)).sort(), ALL);
});

test.serial('on the network administration is closed, and open at the admin address', async (t) => {
  await using served = await GuardedServer.start([...PUBLIC, '--admin-address', '127.0.0.1:0']);
  t.deepEqual((await openGroups(served.address)).sort(), WITHOUT_ADMIN);
  t.deepEqual((await openGroups(served.adminAddress)).sort(), ALL);
  const { details } = await callPlain(served.address, LIST);
  t.regex(details, /model-repository are not served at this address.*--admin-address.*--allow-groups/);
  t.is(await served.embed(), 1);
  using health = new HealthClient(served.address);
  t.is(await health.check(''), 'SERVING');
});

test.serial('--allow-groups says what is served, on both ports', async (t) => {
  await using served = await GuardedServer.start([...PUBLIC, '--allow-groups', 'inference,model-repository']);
  t.deepEqual((await openGroups(served.address)).sort(), ['health', 'inference', 'model-repository']);
  t.is((await fetch(`http://${served.httpAddress}/metrics`)).status, 403);
  t.is((await fetch(`http://${served.httpAddress}/readyz`)).status, 200);
});

test.serial('with tokens only their holders get in, to their groups; health stays open', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', TOKENS);
  await using served = await GuardedServer.start(['--auth-token-file', file]);
  t.deepEqual(await openGroups(served.address), ['health']);
  t.deepEqual((await openGroups(served.address, CAMERA)).sort(), ['health', 'inference']);
  t.deepEqual((await openGroups(served.address, ADMIN)).sort(), ALL);

  t.is((await callError(served.embed())).code, Status.UNAUTHENTICATED);
  t.is((await callError(served.embed({ token: `${CAMERA}x` }))).code, Status.UNAUTHENTICATED);
  t.is(await served.embed({ token: CAMERA }), 1);
  t.is(await served.status(LIST, { token: CAMERA }), Status.PERMISSION_DENIED);
  t.is(await served.status(LIST, { token: ADMIN }), Status.OK);
});

test.serial('a token does not open what its address does not serve', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', TOKENS);
  const flags = [...PUBLIC, '--admin-address', '127.0.0.1:0', '--auth-token-file', file];
  await using served = await GuardedServer.start(flags);
  t.is(await served.status(LIST, { token: ADMIN }), Status.PERMISSION_DENIED);
  t.is(await served.status(LIST, { token: ADMIN }, served.adminAddress), Status.OK);
  t.is(await served.status(LIST, {}, served.adminAddress), Status.UNAUTHENTICATED);
  t.is(served.server.log.filter(({ msg }) => msg.includes('tokens cross the network')).length, 2);
});

test.serial('the HTTP port asks for the same tokens, except of probes', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', TOKENS);
  await using served = await GuardedServer.start(['--auth-token-file', file]);
  const get = async (path: string, token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return await fetch(`http://${served.httpAddress}${path}`, { headers });
  };
  for (const path of ['/livez', '/readyz', '/']) t.is((await get(path)).status, 200, path);
  const missing = await get('/metrics');
  t.is(missing.status, 401);
  t.is(missing.headers.get('www-authenticate'), 'Bearer');
  t.regex(((await missing.json()) as { error: string }).error, /authorization: Bearer TOKEN/);
  t.is((await get('/metrics', 'nobody-nobody-nobody')).status, 401);
  t.is((await get('/metrics', CAMERA)).status, 403);
  t.is((await get('/metrics', ADMIN)).status, 200);
});

for (const processes of [1, 2]) {
  test.serial(`tokens change without a restart, in each of ${processes} processes`, async (t) => {
    await using directory = await ScratchDirectory.create();
    const file = await directory.write('tokens', TOKENS);
    const flags = ['--auth-token-file', file, '--processes', String(processes)];
    await using served = await GuardedServer.start(flags);
    const next = 'operator-of-tomorrow';
    /** The answers of all processes: connections are handed out in turn. */
    const statuses = async (token: string): Promise<number[]> => {
      const all: number[] = [];
      for (let turn = 0; turn < processes; turn++) all.push(await served.status(LIST, { token }));
      return all;
    };
    t.true((await statuses(ADMIN)).every((code) => code === Status.OK));
    await writeFile(file, `operator:${next}\n`);
    await eventually('the new token is good', async () => (await statuses(next)).every((code) => code === Status.OK));
    t.true((await statuses(ADMIN)).every((code) => code === Status.UNAUTHENTICATED));
    await writeFile(file, 'operator\n');
    const refusal = await eventually('the broken file is refused', () =>
      served.server.log.find(({ msg }) => msg.startsWith('new tokens are refused')),
    );
    t.regex(String(refusal['reason']), /tokens:1: expected NAME:TOKEN/);
    t.true((await statuses(next)).every((code) => code === Status.OK));
    t.false(JSON.stringify(served.server.log).includes(next));
  });
}

test.serial('what is refused is counted by its reason', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', TOKENS);
  await using served = await GuardedServer.start([
    ...PUBLIC,
    '--http-address',
    '127.0.0.1:0',
    '--auth-token-file',
    file,
  ]);
  const response = async () =>
    await (
      await fetch(`http://${served.httpAddress}/metrics`, { headers: { authorization: `Bearer ${ADMIN}` } })
    ).text();
  await served.status(LIST);
  await served.status('/sluice.v1.Inference/Detect');
  await served.status('/no.such.Service/Method');
  const text = await response();
  t.regex(text, /^sluice_refused_calls_total\{reason="PERMISSION_DENIED"\} 1$/m);
  t.regex(text, /^sluice_refused_calls_total\{reason="UNAUTHENTICATED"\} 1$/m);
  t.regex(text, /^sluice_refused_calls_total\{reason="METHOD_UNKNOWN"\} 1$/m);
});

test.serial('a method that no group has is UNIMPLEMENTED', async (t) => {
  await using served = await GuardedServer.start([]);
  const { code, details } = await callPlain(served.address, '/sluice.v1.Inference/Forget');
  t.is(code, Status.UNIMPLEMENTED);
  t.regex(details, /no method "\/sluice\.v1\.Inference\/Forget"/);
});

test.serial('a refused call that still sends much ends at once, and the connection serves on', async (t) => {
  await using directory = await ScratchDirectory.create();
  const file = await directory.write('tokens', TOKENS);
  await using served = await GuardedServer.start(['--auth-token-file', file]);
  const body = Buffer.alloc(30 << 20);
  t.is(await served.status(LIST, { body }), Status.UNAUTHENTICATED);
  t.is(await served.status(LIST, { token: ADMIN }), Status.OK);
});
