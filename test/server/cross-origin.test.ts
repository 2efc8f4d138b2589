import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { Browser, Page } from 'puppeteer-core';
import { launchBrowser } from '../support/browser-page.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { Serving } from '../support/serving.js';
import { identityModel } from '../support/tensor-models.js';

/** Pages of other origins that use the HTTP port, in headless Chromium, and what browsers are told for that. */

const TOKEN = 'a-token-of-a-page';

let browser: Browser;
let scratch: ScratchDirectory;
/** An empty page, at two ports: at two origins. */
let pages: readonly Server[];

test.before(async () => {
  [browser, scratch] = await Promise.all([launchBrowser(), ScratchDirectory.create()]);
  pages = [0, 1].map(() => createServer((_request, response) => void response.end()).listen(0, '127.0.0.1'));
  await Promise.all(pages.map((server) => once(server, 'listening')));
});

test.after.always(async () => {
  await browser?.close();
  for (const server of pages ?? []) server.close();
  await scratch?.[Symbol.asyncDispose]();
});

function origin(page: number): string {
  return `http://127.0.0.1:${(pages[page]!.address() as AddressInfo).port}`;
}

async function serve(...flags: string[]): Promise<Serving> {
  return await Serving.start((repository) => repository.addVersion('identity', 1, identityModel()), flags);
}

async function open(page: number): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(origin(page));
  return opened;
}

/** Asks in a page by the token: first JSON and bytes in one body, then what has an error for an answer. */
async function useFrom(page: Page, { server }: Serving): Promise<unknown> {
  return await page.evaluate(`(async () => {
    const headers = { authorization: 'Bearer ${TOKEN}' };
    const bytes = new Uint8Array(new Float32Array(16).fill(1.5).buffer);
    const json = JSON.stringify({
      inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 16], parameters: { binary_data_size: 64 } }],
      parameters: { binary_data_output: true },
    });
    try {
      const url = 'http://${server.httpAddress}/v2/models/';
      const body = new Blob([json, bytes]);
      const length = { 'inference-header-content-length': String(json.length) };
      const answer = await fetch(url + 'identity/infer', { method: 'POST', body, headers: { ...headers, ...length } });
      const end = Number(answer.headers.get('inference-header-content-length'));
      const output = new Float32Array((await answer.arrayBuffer()).slice(end));
      const refused = await fetch(url + 'cat/infer', { method: 'POST', body: '{}', headers });
      return { values: [...output], status: refused.status, code: (await refused.json()).code };
    } catch (error) {
      return String(error);
    }
  })()`);
}

const USED = { values: Array(16).fill(1.5), status: 404, code: 'MODEL_NOT_FOUND' };
const KEPT_OUT = 'TypeError: Failed to fetch';

for (const processes of ['1', '2']) {
  test.serial(`pages of allowed origins use the port with their token (--processes ${processes})`, async (t) => {
    const tokens = await scratch.write('tokens', `page:${TOKEN}\n`);
    const flags = ['--allowed-origins', `https://example.org,${origin(0)}`, '--auth-token-file', tokens];
    await using serving = await serve(...flags, '--processes', processes);
    t.deepEqual(await useFrom(await open(0), serving), USED);
    t.is(await useFrom(await open(1), serving), KEPT_OUT);
  });
}

test.serial('* stands for all origins, and by itself no other one gets in', async (t) => {
  await using serving = await serve('--allowed-origins', '*');
  for (const page of [0, 1]) t.deepEqual(await useFrom(await open(page), serving), USED);
  await using closed = await serve();
  t.is(await useFrom(await open(0), closed), KEPT_OUT);
});

async function ask({ server }: Serving, path: string, init: RequestInit): Promise<Response> {
  return await fetch(`http://${server.httpAddress}${path}`, init);
}

function told({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith('access-control-'));
}

test.serial('what browsers are told', async (t) => {
  await using serving = await serve('--allowed-origins', 'https://example.org');
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
  const preflight = await ask(serving, '/v2/models/identity/infer', {
    method: 'OPTIONS',
    headers: { origin: 'https://example.org', ...asked },
  });
  t.is(preflight.status, 204);
  t.is(preflight.headers.get('access-control-allow-origin'), 'https://example.org');
  t.regex(preflight.headers.get('access-control-allow-methods') ?? '', /POST/);
  t.regex(preflight.headers.get('access-control-allow-headers') ?? '', /Inference-Header-Content-Length/);
  t.is(preflight.headers.get('access-control-allow-credentials'), null);

  const headers = { origin: 'https://example.org', 'accept-encoding': 'identity' };
  const answer = await ask(serving, '/v2', { headers });
  t.is(answer.headers.get('access-control-expose-headers'), 'Inference-Header-Content-Length');
  t.is(answer.headers.get('vary'), 'accept-encoding, origin');
  t.is((await ask(serving, '/nothing', { headers })).headers.get('access-control-allow-origin'), 'https://example.org');

  for (const other of ['https://example.org.evil.net', 'http://example.org', 'null']) {
    const refused = await ask(serving, '/v2', { method: 'OPTIONS', headers: { origin: other, ...asked } });
    t.deepEqual(told(refused), [], other);
    t.deepEqual(told(await ask(serving, '/v2', { headers: { origin: other } })), [], other);
  }
  t.deepEqual(told(await ask(serving, '/v2', {})), [], 'no page asks');
});

test.serial(
  'a page that is not let in changes nothing, though browsers send its plain POST without asking',
  async (t) => {
    await using serving = await serve('--allowed-origins', 'https://example.org', '--model-control-mode', 'explicit');
    const load = async (headers: Record<string, string>): Promise<Response> =>
      await ask(serving, '/v2/repository/models/identity/load', { method: 'POST', headers });
    for (const other of ['https://evil.example', 'http://127.0.0.1:1', 'null']) {
      const refused = await load({ origin: other });
      t.is(refused.status, 403, other);
      t.regex(((await refused.json()) as { error: string }).error, /name it in --allowed-origins/);
    }
    t.is((await ask(serving, '/v2/models/identity/ready', {})).status, 400, 'nothing was loaded');
    for (const own of ['https://example.org', `http://${serving.server.httpAddress}`]) {
      t.is((await load({ origin: own })).status, 200, own);
    }
  },
);
