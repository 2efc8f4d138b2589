import { Access } from '../../server/core/access/access.js';
import { ALL_GROUPS } from '../../server/core/access/call-groups.js';
import { ClientLimits } from '../../server/core/access/client-limits.js';
import type { Entrance } from '../../server/http/entrance.js';

/** Lets everyone in to everything. */
export const OPEN_ENTRANCE: Entrance = {
  certificates: null,
  mutual: false,
  access: new Access(null),
  served: ALL_GROUPS,
  limits: new ClientLimits(0, 0),
  origins: [],
};
