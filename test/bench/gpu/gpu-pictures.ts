import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { root } from '../bench-repository.js';

const COUNT = 16;

/**
 * Writes JPEG files of 1280x720 in quality 85, with 4:2:0 as cameras have it, into a new directory: the sample picture,
 * each time cut, brightened and mirrored a little differently, so that no two are alike.
 */
export async function writeGpuPictures(): Promise<{ directory: string; files: string[] }> {
  const sample = await readFile(join(root, 'model-repo/.samples/astronaut.png'));
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-gpu-'));
  const files = await Promise.all(
    Array.from({ length: COUNT }, async (_, index) => {
      // 512x512, of which all but a margin of a few pixels is taken.
      const margin = index * 2;
      const part = { left: margin, top: 0, width: 512 - 2 * margin, height: 512 - 2 * margin };
      const picture = sharp(sample)
        .extract(part)
        .resize(1280, 720, { fit: 'cover', position: 'top' })
        .modulate({ brightness: 0.9 + (index % 5) * 0.05 })
        .flop(index % 2 === 1);
      const file = join(directory, `${String(index).padStart(2, '0')}.jpg`);
      await writeFile(file, await picture.jpeg({ quality: 85 }).toBuffer());
      return file;
    }),
  );
  return { directory, files };
}
