import { ServingError } from '../errors.js';
import type { CallGroup, ServedGroups } from './call-groups.js';
import type { TokenHolder, Tokens } from './tokens.js';

const SCHEME = /^bearer +(\S+)$/i;

/** Decides who may call what: the address has to serve the call's group, and the token has to be good for it. */
export class Access {
  /** Null: no token is asked for. */
  #tokens: Tokens | null;

  constructor(tokens: Tokens | null) {
    this.#tokens = tokens;
  }

  /** Takes the place of what the token file said before; calls that run go on. */
  replaceTokens(tokens: Tokens): void {
    this.#tokens = tokens;
  }

  /**
   * Who calls, or null where nobody has to say. `authorization` is the header of that name. Throws PERMISSION_DENIED or
   * UNAUTHENTICATED.
   */
  admit(group: CallGroup, authorization: string | undefined, served: ServedGroups): TokenHolder | null {
    if (group === 'health') return null;
    if (!served.has(group)) {
      throw new ServingError(
        'PERMISSION_DENIED',
        `calls of the group ${group} are not served at this address; the server's --admin-address serves them, or ` +
          '--allow-groups opens them here',
      );
    }
    if (this.#tokens === null) return null;
    const token = SCHEME.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw new ServingError('UNAUTHENTICATED', 'this server asks for a token: send "authorization: Bearer TOKEN"');
    }
    const holder = this.#tokens.find(token);
    if (holder === null) throw new ServingError('UNAUTHENTICATED', 'this server does not know the token');
    if (holder.groups !== null && !holder.groups.has(group)) {
      throw new ServingError(
        'PERMISSION_DENIED',
        `the token of ${holder.name} is not good for calls of the group ${group}`,
      );
    }
    return holder;
  }
}
