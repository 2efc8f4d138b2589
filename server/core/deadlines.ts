/** When the first of several limits is reached, each in microseconds from `arrivedAt`; null: there is none. */
export function earliestDeadline(arrivedAt: number, limits: readonly (number | null)[]): number | null {
  let earliest: number | null = null;
  for (const limit of limits) {
    if (limit !== null && (earliest === null || limit < earliest)) earliest = limit;
  }
  return earliest === null ? null : arrivedAt + earliest;
}
