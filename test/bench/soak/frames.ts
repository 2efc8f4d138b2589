import { status as Status } from '@grpc/grpc-js';
import { FramePolicy, type EmbedResponse, type RegionsFrame } from '../../../clients/typescript/sluice-client.js';
import { all } from '../../support/ask.js';
import { boxRegion, embedFrame, embedOptions } from '../../support/messages.js';
import { encode, grey } from '../../support/pictures.js';
import type { Random } from '../../support/random.js';
import { boxOf, cellsInside, lightCells } from '../../support/spot-pictures.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { Wire } from '../../support/wire-call.js';
import { oneOf, same, type Kind } from './kind.js';
import { INPUT, type SoakServer } from './soak-server.js';

interface GreyPicture {
  readonly level: number;
  readonly picture: RegionsFrame['picture'];
}

const LEVELS = [0, 40, 100, 160, 255];
const SIZE = { width: 128, height: 96 };
/** Of the edges of boxes, in pixels: JPEG lights neighbours of a spot a little. */
const TOLERANCE = 2;

/** Streams of `Detect` and `Embed`: good ones, with broken frames, broken themselves, cancelled and cut. */
export async function frameKinds({ serving }: SoakServer): Promise<readonly Kind[]> {
  const { client, wire, server } = serving;
  const spots = await spotPictures();
  const greys = await greyPictures();
  const broken = (greys[0]!.picture as Uint8Array).subarray(0, 60);

  const detect = async (random: Random): Promise<number> => {
    const sent = Array.from({ length: random.int(1, 12) }, () => random.pick(spots)!);
    const frames = sent.map(({ picture }, index) => ({ id: String(index), picture }));
    const answers = await all(client.detect(frames, { model: 'spots', window: random.int(1, 16) }));
    for (const [index, { box, picture: _ }] of sent.entries()) {
      const { frame, detections } = answers[index]!;
      same('the error of a frame', frame?.error, undefined);
      same('the id of a frame', frame?.frameId, String(index));
      const found = detections[0]?.box;
      const near = (a = NaN, b: number): boolean => Math.abs(a - b) < TOLERANCE;
      if (!near(found?.left, box.left) || !near(found?.bottom, box.bottom)) {
        throw new Error(`the spot of frame ${index} was found at ${JSON.stringify(found)}`);
      }
    }
    return sent.length;
  };

  const embed = async (random: Random): Promise<number> => {
    const sent = Array.from({ length: random.int(1, 12) }, () => random.pick(greys)!);
    const regions = random.chance(0.3) ? [boxRegion(2, 2, 30, 30), boxRegion(10, 4, 60, 54)] : [];
    const frames = sent.map(({ picture }) => ({ picture, regions }));
    const answers = await all(client.embed(frames, { model: 'means', window: random.int(1, 16) }));
    same('answers', answers.length, sent.length);
    for (const [index, { level }] of sent.entries()) hasLevel(answers[index]!, level, Math.max(1, regions.length));
    return sent.length;
  };

  const brokenFrames = async (random: Random): Promise<number> => {
    const bad = Array.from({ length: random.int(1, 8) }, () => random.chance(0.5));
    const frames = bad.map((isBad) => ({ picture: isBad ? broken : greys[1]!.picture }));
    const answers = await all(client.embed(frames, { model: 'means' }));
    const codes = answers.map(({ frame }) => frame?.error?.code);
    same(
      'errors of frames',
      codes,
      bad.map((isBad) => (isBad ? 'BAD_IMAGE' : undefined)),
    );
    return bad.length;
  };

  const brokenStream = async (random: Random): Promise<number> => {
    const call = wire.embed();
    const nobody = random.chance(0.5);
    call.send(nobody ? embedOptions({ model: 'nobody' }) : Buffer.from([0x0a, 0xff, 0xff, 0x01]));
    const { code } = await call.finish();
    oneOf('a broken stream', code, [nobody ? Status.NOT_FOUND : Status.INVALID_ARGUMENT]);
    return 1;
  };

  const latest = async (random: Random): Promise<number> => {
    const count = random.int(2, 10);
    const frames = Array.from({ length: count }, () => ({ picture: greys[2]!.picture }));
    const settings = { model: 'means', framePolicy: FramePolicy.FRAME_POLICY_LATEST, window: 1 };
    for (const answer of await all(client.embed(frames, settings))) {
      if (answer.frame?.error?.code !== 'FRAME_DROPPED') hasLevel(answer, greys[2]!.level, 1);
    }
    return count;
  };

  const cancelled = async (random: Random): Promise<number> => {
    const abort = new AbortController();
    const count = random.int(2, 10);
    const frames = Array.from({ length: count }, () => ({ picture: grey(random.int(0, 3), 64) }));
    const answers = client.embed(frames, { model: 'slow', window: 16, signal: abort.signal });
    if (random.chance(0.5)) await answers.next();
    abort.abort();
    await answers.next().catch(() => {});
    return count;
  };

  const late = async (random: Random): Promise<number> => {
    const frames = Array.from({ length: random.int(1, 6) }, () => ({ picture: grey(1, 64), timeoutMs: 1 }));
    for (const { frame } of await all(client.embed(frames, { model: 'slow' }))) {
      const code = frame?.error?.code;
      if (code !== undefined) same('the error of a frame that is late', code, 'DEADLINE_EXCEEDED');
    }
    return frames.length;
  };

  const cut = async (random: Random): Promise<number> => {
    using proxy = await TcpProxy.create(server.grpcAddress);
    using own = new Wire(proxy.address);
    const call = own.embed();
    const frames = Array.from({ length: random.int(2, 10) }, () => embedFrame(random.pick(greys)!.picture));
    call.send(embedOptions({ model: 'means', window: 4 }), frames[0]!);
    // Before that, the client would begin the call again on another connection.
    await call.answered(1);
    call.send(...frames.slice(1));
    if (random.chance(0.5)) await call.answered(2);
    proxy.cut();
    oneOf('a stream that was cut', (await call.status).code, [Status.UNAVAILABLE]);
    return frames.length;
  };

  return [
    { name: 'Detect', weight: 20, act: detect },
    { name: 'Embed', weight: 20, act: embed },
    { name: 'Embed with broken frames', weight: 5, act: brokenFrames },
    { name: 'Embed that is no such call', weight: 10, act: brokenStream },
    { name: 'Embed of the latest frame', weight: 5, act: latest },
    { name: 'Embed that is cancelled', weight: 5, act: cancelled },
    { name: 'Embed that is late', weight: 3, act: late },
    { name: 'Embed whose connection is cut', weight: 1, act: cut },
  ];
}

async function spotPictures() {
  const cells = cellsInside(SIZE, INPUT).filter((_, index) => index % 13 === 0);
  return Promise.all(
    cells.map(async (cell, index) => {
      const raw = lightCells(SIZE, INPUT, [cell]);
      return { box: boxOf(cell, SIZE, INPUT), picture: index % 4 === 0 ? raw : await encode(raw, 'jpeg') };
    }),
  );
}

async function greyPictures(): Promise<GreyPicture[]> {
  const files = LEVELS.map(async (level) => ({ level, picture: await encode(grey(level, 150), 'jpeg') }));
  const pngs = LEVELS.map(async (level) => ({ level, picture: await encode(grey(level, 90), 'png') }));
  return [
    ...(await Promise.all([...files, ...pngs])),
    ...LEVELS.map((level) => ({ level, picture: grey(level, 200) })),
  ];
}

/** Throws unless an answer has so many embeddings, each the mean of a grey picture, whose edges are darker. */
function hasLevel({ frame, embeddings }: EmbedResponse, level: number, count: number): void {
  same('the error of a frame', frame?.error, undefined);
  same('embeddings', embeddings.length, count);
  for (const { values } of embeddings) {
    if (values.length !== 3 || values.some((value) => !(Math.abs(value - level) < 2 + level * 0.05))) {
      throw new Error(`a picture of level ${level} has the means ${values.join(', ')}`);
    }
  }
}
