import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'puppeteer-core';
import { detectOne } from '../support/ask.js';
import { BrowserPage, launchBrowser } from '../support/browser-page.js';
import { eventually } from '../support/eventually.js';
import { Operator } from '../support/operator.js';
import { Serving } from '../support/serving.js';

/** The live page in headless Chromium, on a real server with the detector of shapes. */

const SCENE_FILE = join('model-repo', 'shapes', 'example.png');
const SCENE = await readFile(SCENE_FILE);

let browser: Browser;

test.before(async () => {
  browser = await launchBrowser();
});

test.after.always(() => browser?.close());

function serve(flags: readonly string[] = []): Promise<Serving> {
  return Serving.start(
    ({ directory }) => cp(join('model-repo', 'shapes'), join(directory, 'shapes'), { recursive: true }),
    ['--model-control-mode', 'explicit', '--load-model', '*', ...flags],
  );
}

/** Opens the page and waits until it knows the server. */
async function open({ server }: Serving): Promise<BrowserPage> {
  const opened = await BrowserPage.open(browser, server.httpAddress);
  await opened.until('#readiness', /^ready$/);
  return opened;
}

function hasNoComplaints(t: ExecutionContext, { complaints }: BrowserPage): void {
  t.deepEqual(complaints, []);
}

test.serial('the page comes from the server alone, and nothing on it breaks its own policy', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.until('#models tr', /shapes 1/);
  const hosts = new Set(opened.requests.map((url) => new URL(url).host));
  t.deepEqual([...hosts], [serving.server.httpAddress]);
  t.true(opened.requests.length > 10);
  hasNoComplaints(t, opened);

  const response = await fetch(`http://${serving.server.httpAddress}/`, { headers: { accept: 'text/html' } });
  t.is(response.headers.get('x-content-type-options'), 'nosniff');
  const policy = response.headers.get('content-security-policy') ?? '';
  t.regex(policy, /default-src 'none'/);
  t.notRegex(policy, /unsafe|\*|http/);
  // The policy is at work: what is inline does not run, and is complained of.
  await opened.ask(`(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.head.append(script);
  })()`);
  t.is(await opened.ask('typeof window.ran'), 'undefined');
  t.regex(opened.complaints.join(), /Content Security Policy/);
});

test.serial('the page shows what serves, and counts what is answered', async (t) => {
  await using serving = await serve(['--threads', '2']);
  await using opened = await open(serving);
  const cells = await opened.texts('#models tr td');
  t.deepEqual(cells.slice(0, 6), ['shapes 1', 'yolov8', 'READY', '2 × CPU', '0 of 2', '0']);
  t.is(await opened.text('#server-version'), '0.1.0');
  t.is(await opened.text('#processes'), '1');
  t.is(await opened.text('#gpu-section'), '', 'there is no GPU');
  for (let frame = 0; frame < 5; frame++) await detectOne(serving.client, { picture: SCENE }, { model: 'shapes' });
  await opened.until('#models td:nth-child(9)', /^5$/);
  await opened.until('#models td:nth-child(8)', /^[\d.]+, [\d.]+$/);
  await opened.until('#connections', /^1$/);
  // What was answered rises over the ground, to which it falls back.
  const heights = `[...document.querySelector('#plots .line.first').getAttribute('d').matchAll(/[ML][\\d.]+ ([\\d.]+)/g)]`;
  await eventually('the line rises and falls', async () => {
    return new Set(await opened.ask<string[]>(`${heights}.map(([, height]) => height)`)).size > 1;
  });
  const [throughput, latency] = await opened.texts('#plots .reading');
  t.regex(throughput!, /answered/);
  t.regex(latency!, /p50 .*p99/s);
  hasNoComplaints(t, opened);
});

test.serial('states change on the page as they change in the server', async (t) => {
  await using serving = await serve();
  using operator = await Operator.of(serving.server);
  await using opened = await open(serving);
  await opened.until('#models td.state', /^READY$/);

  await operator.client.unload('shapes');
  await opened.until('#no-models', /No model/);
  t.deepEqual(await opened.texts('#models tr'), []);
  t.is(await opened.ask(`document.querySelector('#changes').textContent`), 'shapes/1: unloaded');
  t.true(await opened.ask<boolean>(`document.querySelector('#tried').disabled`));

  await operator.client.load('shapes');
  await opened.until('#models td.state', /^READY$/);

  // What fails to load takes nothing away, but is told of.
  const model = await readFile(join('model-repo', 'shapes', '1', 'model.onnx'));
  await serving.repository.addVersion('shapes', 2, model.subarray(0, 1000));
  await t.throwsAsync(operator.client.load('shapes'));
  await opened.until('#models tr[data-state="UNAVAILABLE"] td.state', /^UNAVAILABLE: \S/);
  await opened.until('#models tr[data-state="READY"] td', /^shapes 1$/);
  hasNoComplaints(t, opened);
});

/** The boxes on the page: left, top, right, bottom. */
function boxesOf(opened: BrowserPage): Promise<number[][]> {
  return opened.ask(`[...document.querySelectorAll('#overlay rect.box')].map((box) => {
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(box.getAttribute(name)));
    return [x, y, x + width, y + height];
  })`);
}

test.serial('over a picture that was dropped lie the boxes that Detect finds', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.drop('#stage', 'example.png', 'image/png', SCENE);
  await opened.until('#verdict', /^shapes 1: found \d/);
  const { detections, frame } = await detectOne(serving.client, { picture: SCENE }, { model: 'shapes' });
  t.true(detections.length > 3);
  // Drawn from the worst to the best, which lies on top.
  const boxes = (await boxesOf(opened)).reverse();
  t.is(boxes.length, detections.length);
  detections.forEach(({ box }, place) => {
    [box!.left, box!.top, box!.right, box!.bottom].forEach((edge, side) => {
      t.true(Math.abs(boxes[place]![side]! - edge) < 1e-3, `box ${place}, side ${side}`);
    });
  });
  // A pixel of the picture is a pixel of the drawing, its centre at whole numbers.
  const { width = 0, height = 0 } = frame ?? {};
  t.is(await opened.ask(`document.querySelector('#overlay').getAttribute('viewBox')`), `-0.5 -0.5 ${width} ${height}`);
  t.deepEqual(
    await opened.ask(`[document.querySelector('#picture').width, document.querySelector('#picture').height]`),
    [width, height],
  );
  const labels = await opened.texts('#results td:first-child');
  t.deepEqual(
    labels,
    detections.map(({ label }) => label),
  );
  const timings = await opened.texts('#timings td:first-child');
  t.deepEqual(timings.slice(0, 5), ['queue', 'decode', 'preprocess', 'infer', 'postprocess']);
  hasNoComplaints(t, opened);

  // Where the drawing lies: over the picture that the canvas shows, however it is scaled.
  const places = await opened.ask<number[][]>(`['#picture', '#overlay'].map((id) => {
    const { left, top, width, height } = document.querySelector(id).getBoundingClientRect();
    return [left, top, width, height];
  })`);
  t.deepEqual(places[0], places[1]);
});

test.serial('a threshold asks again for less', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  const input = (await opened.page.$('input#file'))!;
  await input.uploadFile(SCENE_FILE);
  await opened.until('#verdict', /found/);
  const all = (await boxesOf(opened)).length;
  await opened.page.type('#threshold', '0.9');
  await opened.page.keyboard.press('Enter');
  await opened.until('#verdict', /found/);
  const { detections } = await detectOne(serving.client, { picture: SCENE }, { model: 'shapes', scoreThreshold: 0.9 });
  t.true(detections.length < all);
  await opened.until('#verdict', new RegExp(`found ${detections.length}:`));
  t.is((await boxesOf(opened)).length, detections.length);
});

test.serial('a bad picture shows what the server says of it, and stands among the last errors', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.until('#no-errors', /None/);
  await opened.drop('#stage', 'notes.png', 'image/png', Buffer.from('no picture at all'));
  await opened.until('#try-error', /^BAD_IMAGE: the picture is not a JPEG, PNG or WebP file$/);
  t.is(await opened.text('#view'), '', 'no earlier picture stands beside it');
  await opened.until('#errors tr', /BAD_IMAGE/);
  const [, code, model, message, times] = await opened.texts('#errors td');
  t.deepEqual(
    [code, model, message, times],
    ['BAD_IMAGE', 'shapes 1', 'the picture is not a JPEG, PNG or WebP file', '1'],
  );
  await opened.drop('#stage', 'notes.png', 'image/png', Buffer.from('no picture either'));
  await opened.until('#errors td:last-child', /^2$/);
  // A good picture takes the error away.
  await opened.drop('#stage', 'example.png', 'image/png', SCENE);
  await opened.until('#verdict', /found/);
  t.is(await opened.text('#try-error'), '');
  // Chromium itself says on the console that there was a 400.
  t.true(opened.complaints.every((text) => text.includes('400')));
});

test.serial('the camera is tried frame by frame, one at a time, until it is stopped', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.page.click('#camera');
  await opened.until('#camera', /^Stop the camera \([\d.]+ frames a second\)$/);
  await opened.until('#verdict', /^shapes 1: /);
  const before = opened.tries.answered;
  await opened.until('#models td:nth-child(9)', /^\d\d+$/);
  t.true(opened.tries.answered > before);
  t.is(opened.tries.most, 1);
  t.is(await opened.ask(`document.querySelector('#camera').getAttribute('aria-pressed')`), 'true');
  t.true(await opened.ask<boolean>(`document.querySelector('#picture').width > 300`));

  await opened.page.click('#camera');
  await opened.until('#camera', /^Start the camera$/);
  // The last one may still be on its way.
  await eventually('no picture is being tried', () => opened.tries.running === 0);
  const sent = opened.tries.answered;
  await opened.drop('#stage', 'example.png', 'image/png', SCENE);
  await opened.until('#verdict', /square/);
  await eventually('the picture is answered', () => opened.tries.answered > sent);
  t.is(opened.tries.answered + opened.tries.running, sent + 1);
  hasNoComplaints(t, opened);
});

test.serial('a browser without a camera says so', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.ask(`(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('Requested device not found'));
  })()`);
  await opened.page.click('#camera');
  await opened.until('#try-error', /no camera to use: Requested device not found/);
  t.is(await opened.text('#camera'), 'Start the camera');
});

/** Texts and the ground under them: the contrast of each, as WCAG reckons it. */
const CONTRASTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, th, td, dt, dd, label, button, .note, .state, .reading span')];
  return texts.filter((each) => each.checkVisibility() && each.innerText.trim() !== '').map((each) => {
    const [a, b] = [luminance(getComputedStyle(each).color), luminance(ground(each))];
    return [each.innerText, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
})()`;

test.serial('light or dark, as the browser asks for it, every text can be read', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  const grounds: string[] = [];
  for (const value of ['light', 'dark']) {
    await opened.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    grounds.push(await opened.ask('getComputedStyle(document.body).backgroundColor'));
    const contrasts = await opened.ask<[string, number][]>(CONTRASTS);
    t.true(contrasts.length > 20);
    t.deepEqual(
      contrasts.filter(([, contrast]) => contrast < 4.5),
      [],
      value,
    );
  }
  const [light, dark] = grounds.map((colour) => Number(/\d+/.exec(colour)?.[0]));
  t.true(light! > 200 && dark! < 50);
});

test.serial('everything that can be used has a name, and is reached by the keyboard', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.until('#models tr', /shapes/);
  const tree = JSON.stringify(await opened.page.accessibility.snapshot());
  const names = ['try shapes/1', 'Model', 'Scores over', 'Choose a picture', 'Start the camera'];
  for (const name of names) t.true(tree.includes(`"name":"${name}`), name);
  const reached = new Set<string>();
  for (let press = 0; press < 12; press++) {
    await opened.page.keyboard.press('Tab');
    reached.add(await opened.ask(`document.activeElement.id || document.activeElement.innerText`));
  }
  // What is shown anew every second takes nobody's place away.
  await opened.ask(`document.querySelector('#models button').focus()`);
  const uptime = await opened.text('#uptime');
  await eventually('the page was shown anew', async () => (await opened.text('#uptime')) !== uptime);
  t.is(await opened.ask('document.activeElement.innerText'), 'Try');
  for (const id of ['plotted', 'Try', 'tried', 'threshold', 'file', 'camera']) t.true(reached.has(id), id);
});

test.serial('a server that asks for a token gets it with every question', async (t) => {
  await using serving = await serve();
  const wanted = 'Bearer sesame';
  await using opened = await BrowserPage.open(browser, serving.server.httpAddress, async (page) => {
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const asks = request.url().includes('/v1/');
      if (!asks || request.headers()['authorization'] === wanted) void request.continue();
      else
        void request.respond({ status: 401, contentType: 'application/json', body: '{"error":"a token is missing"}' });
    });
  });
  await opened.until('#problem', /^a token is missing$/);
  await opened.page.type('#token', 'sesame');
  await opened.page.keyboard.press('Enter');
  await opened.until('#readiness', /^ready$/);
  t.is(await opened.text('#token-form'), '');
  await opened.drop('#stage', 'example.png', 'image/png', SCENE);
  await opened.until('#verdict', /found/);
  t.deepEqual(await opened.ask('[localStorage.length, sessionStorage.length, document.cookie]'), [0, 0, '']);
});

test.serial('a server that has gone is told of, and what was seen last stays', async (t) => {
  await using serving = await serve();
  await using opened = await open(serving);
  await opened.until('#models tr', /shapes/);
  serving.server.signal('SIGKILL');
  await opened.until('#problem', /does not answer/);
  t.is(await opened.text('#readiness'), 'no answer');
  t.deepEqual(await opened.texts('#models td.state'), ['READY']);
});
