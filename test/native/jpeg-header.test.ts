import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';

const BUILD = join('build', 'jpeg-header');
const WIDTH = 203;
const HEIGHT = 117;

/** A picture with edges, so that its coded data holds every kind of byte. */
const picture = sharp({
  create: {
    width: WIDTH,
    height: HEIGHT,
    channels: 3,
    background: '#804020',
    noise: { type: 'gaussian', mean: 120, sigma: 60 },
  },
});

test('the files of a real encoder are taken or refused for what they are', async (t) => {
  t.timeout(300_000);
  run('cmake', ['-S', 'native', '-B', BUILD, '-DSLUICE_SANITIZE=ON', '-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
  run('cmake', ['--build', BUILD, '--target', 'jpeg_header_test']);

  const plain = await picture.clone().jpeg().toBuffer();
  const taken = `${WIDTH}x${HEIGHT}`;
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [plain, `${taken} ${plain.length}`],
    [Buffer.concat([plain, Buffer.from('a second picture')]), `${taken} ${plain.length}`],
    [await picture.clone().jpeg({ chromaSubsampling: '4:4:4', quality: 100 }).toBuffer(), taken],
    [await picture.clone().jpeg({ optimizeCoding: false }).toBuffer(), taken],
    [await picture.clone().greyscale().jpeg().toBuffer(), taken],
    [await picture.clone().withMetadata({ orientation: 1 }).jpeg().toBuffer(), taken],
    [await picture.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(), 'EXIF says that it has to be turned'],
    [await picture.clone().jpeg({ progressive: true }).toBuffer(), 'it is progressive'],
    [await picture.clone().toColourspace('cmyk').jpeg().toBuffer(), 'its channels are not luma and chroma'],
    [await picture.clone().png().toBuffer(), 'it is not a JPEG'],
    [plain.subarray(0, plain.length - 1), 'it is cut off'],
    [plain.subarray(0, plain.length / 2), 'it is cut off'],
    [Buffer.alloc(0), 'it is not a JPEG'],
  ];
  const folder = mkdtempSync(join(tmpdir(), 'sluice-jpeg-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const paths = cases.map(([bytes], i) => {
    const path = join(folder, `${i}.jpg`);
    writeFileSync(path, bytes);
    return path;
  });
  const lines = run(join(BUILD, 'jpeg_header_test'), paths).trimEnd().split('\n');
  t.is(lines.length, cases.length);
  for (const [i, [, expected]] of cases.entries()) {
    t.true(lines[i]?.includes(expected), `file ${i}: ${lines[i]} instead of ${expected}`);
  }
});

function run(command: string, args: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${status ?? signal}:\n${stdout}\n${stderr}`);
}
