/** A number with three digits or so; a dash for none. */
export function brief(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function milliseconds(seconds: number): string {
  return brief(seconds * 1000);
}

/** How long ago, or for how long: 3 s, 5 min, 2 h 10 min, 3 d 4 h. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
