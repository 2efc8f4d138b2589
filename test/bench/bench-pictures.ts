import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { root } from './bench-repository.js';

/** The sample picture as JPEG files of a size, each cut a little differently: deterministic, and no two alike. */
export async function benchPictures(width: number, height: number, count = 4): Promise<Buffer[]> {
  const sample = await readFile(`${root}model-repo/.samples/astronaut.png`);
  const pictures: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    // 512x512, of which all but a margin of a few pixels is taken.
    const margin = index * 4;
    const part = { left: margin, top: margin, width: 512 - 2 * margin, height: 512 - 2 * margin };
    const image = sharp(sample).extract(part).resize(width, height, { fit: 'cover', position: 'top' });
    pictures.push(await image.jpeg({ quality: 90 }).toBuffer());
  }
  return pictures;
}
