import type { Reservations, TritonConfig } from './reservations.js';

type Groups = TritonConfig['instance_group'];

/** Models of tensors run where they can: a file that insists on GPUs is served all the same. */
const INSTEAD: Readonly<Record<string, string>> = {
  KIND_GPU: 'KIND_AUTO: on the CPU where there is no GPU, or TensorRT does not take the model.',
  KIND_MODEL: 'KIND_AUTO: the server chooses the device.',
};

/** Several groups as the one that there is; undefined: the file has none. */
export function convertInstances(
  { instance_group: groups, parameters }: TritonConfig,
  notes: Reservations,
): object | undefined {
  const threads = intraOpThreads(parameters, notes);
  const [first] = groups;
  if (first === undefined) return threads === undefined ? undefined : { intra_op_thread_count: threads };
  groups.forEach(({ kind }, index) => {
    const instead = kind === undefined ? undefined : INSTEAD[kind];
    if (instead !== undefined) notes.add(['instance_group', index, 'kind'], instead);
  });
  const kind = kindOf(groups, notes);
  const used = groups.filter((group) => groupKind(group) === kind);
  const gpus = used.flatMap((group) => group.gpus);
  return {
    kind: kind === 'KIND_GPU' ? 'KIND_AUTO' : kind,
    count: countOf(used, kind, notes),
    ...limiterOf(groups, notes),
    ...(gpus.length > 0 && used.every((group) => group.gpus.length > 0) ? { gpus: [...new Set(gpus)] } : {}),
    ...(threads === undefined ? {} : { intra_op_thread_count: threads }),
  };
}

/** The instances of a model share one rate limiter. */
function limiterOf(groups: Groups, notes: Reservations): object {
  const [first, ...others] = groups.map(({ rate_limiter: limiter }) => limiter);
  for (const [index, other] of others.entries()) {
    if (JSON.stringify(other) === JSON.stringify(first)) continue;
    notes.add(['instance_group', index + 1, 'rate_limiter'], 'That of the first group counts for all.');
  }
  if (first === undefined) return {};
  const resources = first.resources.map(({ name, global = false, count = 1 }) => ({ name, global, count }));
  return { rate_limiter: { resources, priority: first.priority || 1 } };
}

function groupKind({ kind = 'KIND_AUTO' }: Groups[number]): string {
  return kind === 'KIND_MODEL' ? 'KIND_AUTO' : kind;
}

/** GPUs before the CPU: they do most of the work of a model that has both. */
function kindOf(groups: Groups, notes: Reservations): string {
  const kinds = ['KIND_GPU', 'KIND_AUTO', 'KIND_CPU'].filter((kind) =>
    groups.some((group) => groupKind(group) === kind),
  );
  const [chosen = 'KIND_AUTO'] = kinds;
  if (kinds.length > 1)
    notes.add(['instance_group'], `Instances are of one kind: only the groups of ${chosen} are made.`);
  return chosen;
}

/** Instances on each GPU, or all those on the CPU; undefined: as many as there are by default. */
function countOf(groups: Groups, kind: string, notes: Reservations): number | undefined {
  const counts = groups.map(({ count = 0 }) => count).filter((count) => count !== 0);
  if (counts.length === 0) return undefined;
  if (kind === 'KIND_CPU') return counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  if (counts.some((count) => count !== most) || overlap(groups)) {
    notes.add(['instance_group'], `Every GPU gets the same number of instances: ${most}.`);
  }
  return most;
}

/** Whether two groups have a GPU in common. */
function overlap(groups: Groups): boolean {
  const gpus = groups.flatMap((group) => [...new Set(group.gpus)]);
  return new Set(gpus).size < gpus.length || groups.filter((group) => group.gpus.length === 0).length > 1;
}

/** The one parameter of ONNX Runtime that there is here. */
function intraOpThreads(parameters: TritonConfig['parameters'], notes: Reservations): number | undefined {
  let threads: number | undefined;
  for (const [name, { string_value: value = '' }] of parameters) {
    if (name === 'intra_op_thread_count' && /^\d+$/.test(value)) threads = Number(value) || undefined;
    else notes.add(['parameters', name], 'It has no effect.');
  }
  return threads;
}
