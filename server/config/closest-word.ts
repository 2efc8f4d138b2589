/**
 * The candidate that `word` was probably meant to be: the same but for case, hyphens a beginning or an end (`cpu` for
 * `KIND_CPU`), or with a few letters wrong. Null: none is close.
 */
export function closestWord(word: string, candidates: readonly string[]): string | null {
  const plain = normalise(word);
  if (plain === '') return null;
  for (const candidate of candidates) {
    const other = normalise(candidate);
    if (other === plain) return candidate;
    if (plain.length >= 3 && (other.endsWith(`_${plain}`) || other.startsWith(`${plain}_`))) return candidate;
  }
  let best: string | null = null;
  let least = Math.floor(plain.length / 3) + 1;
  for (const candidate of candidates) {
    // A long word that nobody meant must not cost a long comparison.
    if (Math.abs(candidate.length - plain.length) >= least) continue;
    const distance = editDistance(plain, normalise(candidate));
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `maxBatchSize` and `max-batch-size` are `max_batch_size`. */
function normalise(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** Letters to insert, delete or replace to turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
