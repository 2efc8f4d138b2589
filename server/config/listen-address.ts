/** Where a server listens. */
export interface ListenAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 takes a free one. */
  readonly port: number;
}

const FORM = /^(?:\[(?<bracketed>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?<plain>[\w.-]+)):(?<port>\d{1,5})$/;

/** Reads `HOST:PORT`; an IPv6 address stands in brackets, as in `[::1]:8001`. Undefined: not of that form. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const groups = FORM.exec(text)?.groups;
  const host = groups?.['bracketed'] ?? groups?.['plain'];
  const port = Number(groups?.['port']);
  if (host === undefined || port > 65535) return undefined;
  // A name never has a colon, an IPv6 address at least two.
  if (groups?.['bracketed'] !== undefined && !host.includes(':')) return undefined;
  return { host, port };
}

/** The form that `parseListenAddress` reads. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
