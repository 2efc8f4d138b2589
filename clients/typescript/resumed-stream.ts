import { setTimeout as pause } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { UnansweredFrames } from './unanswered-frames.js';

/** Milliseconds before the first time that a stream is opened again, and at most; each time twice as long. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/** An answer that tells the place of its frame in its stream. */
interface Placed {
  readonly frame?: { readonly index: number } | undefined;
}

export interface Resumption {
  /** How often in a row a stream is opened again before its failure is the caller's. */
  readonly times: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A stream that survives the server it began on: when one breaks off with UNAVAILABLE, `open` opens another, which is sent
 * the frames that have no answer yet and then goes on. Every frame is answered once, in order; its index is that of the
 * whole stream.
 */
export async function* resumedStream<F, Response extends Placed>(
  frames: Iterable<F> | AsyncIterable<F>,
  { times, signal }: Resumption,
  open: (frames: AsyncIterable<F>) => AsyncIterable<Response>,
): AsyncGenerator<Response> {
  using unanswered = new UnansweredFrames(frames);
  for (let left = times; ; left--) {
    const first = unanswered.answered;
    try {
      for await (const response of open(unanswered.again())) {
        left = times;
        unanswered.answer();
        yield first === 0 ? response : moved(response, first);
      }
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== status.UNAVAILABLE || left === 0) throw error;
    }
    const milliseconds = Math.min(FIRST_PAUSE * 2 ** (times - left), LONGEST_PAUSE);
    // Ended early by the signal: the stream that is opened next is cancelled by it at once, and says so.
    await pause(milliseconds * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  }
}

function moved<Response extends Placed>(response: Response, by: number): Response {
  const { frame } = response;
  return frame === undefined ? response : { ...response, frame: { ...frame, index: frame.index + by } };
}
