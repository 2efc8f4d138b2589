/** A table the way prettier writes it, so that generated pages pass the same check as written ones. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...rest] = cells;
  return [first, widths.map((width) => '-'.repeat(width)), ...rest].map(line).join('\n');
}

/** Text that is meant literally. */
export function code(text: string): string {
  return `\`${text}\``;
}
