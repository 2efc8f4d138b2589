import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, Sender } from './target.js';

/** One request as its sender saw it; times are milliseconds of `performance.now()`. */
export interface Sample extends Outcome {
  /** When it was due: at a rate, as the schedule has it; else when the request before it was answered. */
  readonly dueAt: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** When requests are sent: so many at a time, or so many a second, whatever the server answers. */
export type Pace =
  { readonly concurrency: number } | { readonly rate: number; readonly arrivals: 'constant' | 'poisson' };

/** Unanswered requests at which even a schedule waits: what a server cannot take must fit into the client's memory. */
export const MOST_IN_FLIGHT = 512;

/**
 * Sends requests, in turn by each of the senders, until `more` says no, and resolves when all are answered. `more` is
 * asked before each request.
 */
export async function drive(
  senders: readonly Sender[],
  pace: Pace,
  more: () => boolean,
  onSample: (sample: Sample) => void,
): Promise<void> {
  const send = async (sender: Sender, dueAt: number, sentAt: number): Promise<void> => {
    const outcome = await sender.send();
    onSample({ ...outcome, dueAt, sentAt, answeredAt: performance.now() });
  };
  if ('rate' in pace) await onSchedule(senders, pace, more, send);
  else await inTurn(senders, pace.concurrency, more, send);
}

type Send = (sender: Sender, dueAt: number, sentAt: number) => Promise<void>;

/** Closed loop: a request leaves when another is answered, so that latency has no queue of the sender's in it. */
async function inTurn(senders: readonly Sender[], concurrency: number, more: () => boolean, send: Send): Promise<void> {
  const loop = async (sender: Sender): Promise<void> => {
    while (more()) {
      const now = performance.now();
      await send(sender, now, now);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => loop(senders[index % senders.length]!)));
}

/** Open loop: a request leaves when it is due. What leaves late counts from when it was due. */
async function onSchedule(
  senders: readonly Sender[],
  { rate, arrivals }: Extract<Pace, { rate: number }>,
  more: () => boolean,
  send: Send,
): Promise<void> {
  let inFlight = 0;
  let failure: { readonly error: unknown } | null = null;
  let wake = (): void => {};
  const below = async (limit: number): Promise<void> => {
    while (inFlight >= limit) await new Promise<void>((resolve) => (wake = resolve));
    if (failure !== null) throw (failure as { error: unknown }).error;
  };
  let dueAt = performance.now();
  for (let index = 0; more(); index++) {
    dueAt += (1000 / rate) * (arrivals === 'poisson' ? -Math.log(1 - Math.random()) : 1);
    await until(dueAt);
    await below(MOST_IN_FLIGHT);
    inFlight += 1;
    void send(senders[index % senders.length]!, dueAt, performance.now())
      .catch((error: unknown) => (failure = { error }))
      .then(() => {
        inFlight -= 1;
        wake();
      });
  }
  await below(1);
}

/** Timers come a millisecond late, which is longer than some servers take: the last of it is waited for by looking. */
async function until(at: number): Promise<void> {
  const ahead = at - performance.now();
  if (ahead >= 2) await sleep(ahead - 1);
  // Once at least, so that a late schedule still reads answers.
  do await new Promise<void>((resolve) => setImmediate(resolve));
  while (performance.now() < at);
}

/** A `more` that says yes so many times. */
export function upTo(count: number): () => boolean {
  let asked = 0;
  return () => asked++ < count;
}

/** A `more` that says yes for some seconds from now. */
export function forSeconds(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() < end;
}
