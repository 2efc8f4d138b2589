import type { ExecutionContext } from 'ava';
import { detectOne } from './ask.js';
import { foundAt } from './close-to.js';
import type { Serving } from './serving.js';
import { boxOf, cellsInside, lightCells } from './spot-pictures.js';

/** The model that tells whether the server is well. */
export const GOOD_MODEL = 'spots';

/** What `spotsModel` has to be made for. */
export const GOOD_INPUT = { width: 64, height: 64 };

const SIZE = { width: 96, height: 64 };
const CELLS = cellsInside(SIZE, GOOD_INPUT);
const PICTURES = CELLS.map((cell) => lightCells(SIZE, GOOD_INPUT, [cell]));

/**
 * Does something to a server while a neighbour streams good frames over the connection of the typed client; fails when
 * the neighbour loses an answer, gets a wrong one, or a new stream is not served afterwards.
 */
export async function unharmed(t: ExecutionContext, serving: Serving, act: () => Promise<void>): Promise<void> {
  let done = false;
  let sent = 0;
  let told = (): void => {};
  function* frames() {
    for (; !done; sent++) yield { id: String(sent), picture: PICTURES[sent % PICTURES.length]! };
  }
  const going = new Promise<void>((resolve) => {
    told = resolve;
  });
  const neighbour = (async () => {
    let answered = 0;
    try {
      for await (const { frame, detections } of serving.client.detect(frames(), { model: GOOD_MODEL, window: 4 })) {
        const cell = CELLS[answered % CELLS.length]!;
        if (frame?.error !== undefined || frame?.frameId !== String(answered) || detections.length !== 1) {
          throw new Error(`answer ${answered} of the neighbour is wrong: ${JSON.stringify(frame)}`);
        }
        if (answered === 0 || done) foundAt(t, detections, [boxOf(cell, SIZE, GOOD_INPUT)], 1e-3);
        answered += 1;
        told();
      }
    } finally {
      told();
    }
    return answered;
  })();
  await going;
  try {
    await act();
  } finally {
    done = true;
    t.is(await neighbour, sent, 'every frame of the neighbour was answered');
  }
  const { frame, detections } = await detectOne(serving.client, { picture: PICTURES[7]! }, { model: GOOD_MODEL });
  t.is(frame?.error, undefined);
  foundAt(t, detections, [boxOf(CELLS[7]!, SIZE, GOOD_INPUT)], 1e-3);
}
