/** Time as core sees it; tests pass one they move by hand. */
export interface Clock {
  /** Microseconds since an arbitrary start; never goes back. */
  now(): number;
  /**
   * Calls `callback` once, `delay` microseconds from now or a little later. Node's timers count whole milliseconds: a
   * shorter delay means the next turn of the event loop.
   */
  schedule(delay: number, callback: () => void): Timer;
  /** Calls `callback` once, when all that has arrived by now has been read. */
  soon(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => performance.now() * 1000,
  schedule(delay, callback) {
    if (delay < 1000) {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    }
    // setTimeout's longest delay; a later deadline is looked at again when it fires.
    const timeout = setTimeout(callback, Math.min(Math.ceil(delay / 1000), 0x7fff_ffff));
    return { cancel: () => clearTimeout(timeout) };
  },
  // Node reads its sockets first.
  soon: (callback) => void setImmediate(callback),
};
