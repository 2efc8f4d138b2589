import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks a second of /proc: the same on every Linux that Node runs on. */
const TICKS = 100;

/** CPU time that a process has spent, in seconds. */
export interface ProcessCpu {
  readonly pid: number;
  readonly seconds: number;
}

/** The process `pid`, first, and all that it and its children have started. */
export async function processTreeCpu(pid: number): Promise<ProcessCpu[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(names.map(readStat))).filter((stat) => stat !== null);
  const tree = new Set([pid]);
  // Children have not always higher numbers than their parents: until none is new.
  for (let before = 0; before !== tree.size;) {
    before = tree.size;
    for (const stat of all) if (tree.has(stat.parent)) tree.add(stat.pid);
  }
  return all
    .filter((stat) => tree.has(stat.pid))
    .map(({ pid: id, seconds }) => ({ pid: id, seconds }))
    .sort((a, b) => Number(b.pid === pid) - Number(a.pid === pid) || a.pid - b.pid);
}

/** CPU time in seconds that a process and all that it has started have spent. */
export async function treeSeconds(pid: number): Promise<number> {
  return (await processTreeCpu(pid)).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Null for a process that has ended meanwhile. */
async function readStat(name: string): Promise<(ProcessCpu & { readonly parent: number }) | null> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The program's name, in brackets, may have spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  return { pid: Number(name), parent: parent!, seconds: (user! + system!) / TICKS };
}
