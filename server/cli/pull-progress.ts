import { MultiBar, Presets } from 'cli-progress';
import type { PullPhase } from '../catalog/pull.js';

/** What a person sees of pulls: one bar that moves on a terminal, plain lines elsewhere. */
export interface PullDisplay {
  start(name: string): void;
  progress(name: string, phase: PullPhase, share: number): void;
  /** `line` is what is left to read. */
  end(name: string, line: string): void;
  close(): void;
}

export function pullDisplay(): PullDisplay {
  return process.stderr.isTTY ? barDisplay() : lineDisplay();
}

function barDisplay(): PullDisplay {
  const bars = new MultiBar(
    { format: '{name} {bar} {percentage}% {phase}', clearOnComplete: true, hideCursor: true, stream: process.stderr },
    Presets.shades_classic,
  );
  const open = new Map<string, ReturnType<MultiBar['create']>>();
  return {
    start: (name) => open.set(name, bars.create(1, 0, { name: name.padEnd(12), phase: 'looking' })),
    progress: (name, phase, share) => open.get(name)?.update(share, { phase }),
    end: (name, line) => {
      const bar = open.get(name);
      if (bar !== undefined) bars.remove(bar);
      open.delete(name);
      bars.log(`${line}\n`);
    },
    close: () => {
      bars.update();
      bars.stop();
    },
  };
}

function lineDisplay(): PullDisplay {
  const phases = new Map<string, PullPhase>();
  return {
    start: () => {},
    progress: (name, phase) => {
      if (phases.get(name) !== phase && (phase === 'fetching' || phase === 'converting'))
        console.error(`${name}: ${phase}`);
      phases.set(name, phase);
    },
    end: (_, line) => console.error(line),
    close: () => {},
  };
}
