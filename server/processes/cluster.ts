import cluster from 'node:cluster';

/** A process that this one has started. */
export interface ChildProcess {
  readonly pid: number;
  /** What cannot be sent any more is dropped: `onExit` tells of the end. */
  send(message: object): void;
  kill(signal: NodeJS.Signals): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, with the exit code or the signal that ended it. */
  onExit(listener: (how: number | NodeJS.Signals) => void): void;
}

/** This process as one that another has started. */
export interface ParentChannel {
  send(message: object): void;
  onMessage(listener: (message: unknown) => void): void;
  /** The other process has ended. */
  onGone(listener: () => void): void;
}

/**
 * Starts this program once more, with the same flags. What it listens to it shares with its fellows: this process accepts
 * the connections and hands them out in turn. Leaving that to the system would be cheaper for a connection and bad for
 * what comes over it: the kernel likes to wake the same process, and a client keeps its connection for hours.
 */
export function startProcess(): ChildProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const worker = cluster.fork();
  // An error of sending or killing comes with the end of the process, which is told by itself.
  worker.on('error', () => {});
  return {
    pid: worker.process.pid ?? 0,
    send: (message) => {
      if (worker.isConnected()) worker.send(message, () => {});
    },
    kill: (signal) => worker.process.kill(signal),
    onMessage: (listener) => worker.on('message', listener),
    onExit: (listener) =>
      worker.once('exit', (code: number | null, signal) => listener(code ?? (signal as NodeJS.Signals))),
  };
}

/** The channel to the process that has started this one by `startProcess`; null: none has. */
export function parentChannel(): ParentChannel | null {
  const { worker } = cluster;
  if (worker === undefined) return null;
  return {
    send: (message) => {
      if (worker.isConnected()) worker.send(message, () => {});
    },
    onMessage: (listener) => worker.on('message', listener),
    // Ahead of the cluster's own listener, which calls `process.exit`: that waits for threads inside a model.
    onGone: (listener) => process.prependListener('disconnect', listener),
  };
}
