import { KServeClient } from '../../../clients/typescript/kserve-client.js';
import { SluiceClient } from '../../../clients/typescript/sluice-client.js';

/** Pixels by which sides of boxes may differ: the two scale pictures down differently. */
const TOLERANCE = 6;

/** Throws unless both servers, Triton by one of its models, find the same faces: else they do not do the same work. */
export async function checkFaces(
  pictures: readonly Buffer[],
  sluice: string,
  triton: string,
  model: string,
): Promise<void> {
  using ours = await SluiceClient.connect(sluice);
  using theirs = await KServeClient.connect(triton);
  let index = 0;
  for await (const { detections } of ours.detect(
    pictures.map((picture) => ({ picture })),
    { model: 'centerface' },
  )) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(pictures[index]!.length);
    const data = Buffer.concat([length, pictures[index]!]);
    const inputs = [{ name: 'picture', datatype: 'BYTES', shape: [1, 1], data }];
    const { outputs } = await theirs.infer({ model, inputs });
    const faces = new Float32Array(new Uint8Array(outputs[0]!.data).buffer);
    const boxes = Array.from({ length: faces.length / 15 }, (_, face) => faces.slice(face * 15 + 1, face * 15 + 5));
    const own = detections.map(({ box }) => [box!.left, box!.top, box!.right, box!.bottom]);
    const alike = own.every((box, face) =>
      box.every((side, at) => Math.abs(side - (boxes[face]?.[at] ?? Infinity)) < TOLERANCE),
    );
    if (own.length === 0 || own.length !== boxes.length || !alike) {
      const found = `Sluice ${JSON.stringify(own)}, Triton ${JSON.stringify(boxes.map((box) => Array.from(box)))}`;
      throw new Error(`the servers find different faces in picture ${index}: ${found}`);
    }
    index += 1;
  }
}
