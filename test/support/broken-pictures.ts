import { crc32, deflateSync } from 'node:zlib';

/** Picture files that claim, cut or break something. */

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

/** A PNG of one bit a pixel whose header says `width` x `height`; `rows` of them, all black, are there. */
export function claimedPng(width: number, height: number, rows: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc(rows * (1 + Math.ceil(width / 8))), { level: 9 });
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

/** A baseline JPEG whose frame header says another size. */
export function claimedJpeg(jpeg: Uint8Array, width: number, height: number): Buffer {
  const claimed = Buffer.from(jpeg);
  for (let at = 2; at + 9 < claimed.length; at += 2 + claimed.readUInt16BE(at + 2)) {
    if (claimed[at + 1] !== 0xc0) continue;
    claimed.writeUInt16BE(height, at + 5);
    claimed.writeUInt16BE(width, at + 7);
    return claimed;
  }
  throw new Error('the JPEG is not a baseline one');
}

/** The same file with the byte at `at` turned around. */
export function withByteChanged(file: Uint8Array, at: number, mask: number): Buffer {
  const changed = Buffer.from(file);
  changed[at] = changed[at]! ^ mask;
  return changed;
}
