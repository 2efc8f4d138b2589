interface GroupEntry {
  /** Whether its calls change the server, or tell it to read what lies on its machine. */
  readonly admin: boolean;
  /** One line for the reference. */
  readonly meaning: string;
}

/** What calls are about, in Triton's words: what can be allowed or refused together. */
export const CALL_GROUPS = {
  health: { admin: false, meaning: 'Whether the server and its models serve. Always open, also without a token.' },
  metadata: { admin: false, meaning: 'What the server and its models are; reflection.' },
  inference: { admin: false, meaning: 'Frames and tensors to be inferred.' },
  'model-config': { admin: false, meaning: 'The configuration of a model.' },
  statistics: { admin: false, meaning: 'Statistics and metrics.' },
  'model-repository': { admin: true, meaning: 'The models on disk and their states; loading and unloading.' },
  'shared-memory': { admin: true, meaning: 'Regions of memory that clients share with the server.' },
  trace: { admin: true, meaning: 'Settings of traces.' },
  logging: { admin: true, meaning: 'Settings of the log.' },
} as const satisfies Record<string, GroupEntry>;

export type CallGroup = keyof typeof CALL_GROUPS;

export const CALL_GROUP_NAMES = Object.keys(CALL_GROUPS) as CallGroup[];

/** What one address serves. */
export type ServedGroups = ReadonlySet<CallGroup>;

export const ALL_GROUPS: ServedGroups = new Set(CALL_GROUP_NAMES);

const WITHOUT_ADMIN: ServedGroups = new Set(CALL_GROUP_NAMES.filter((name) => !CALL_GROUPS[name].admin));

/**
 * The groups that `host` serves: those that were chosen, or all where only this machine can connect, and all but those of
 * administration elsewhere. The address that the server listens on decides, not the one that a call comes from: behind a
 * proxy every call seems to come from this machine.
 */
export function servedGroups(host: string, chosen: readonly CallGroup[] | null): ServedGroups {
  if (chosen !== null) return new Set<CallGroup>(['health', ...chosen]);
  return isLoopback(host) ? ALL_GROUPS : WITHOUT_ADMIN;
}

/** Whether only this machine can connect to a host that a server listens on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
