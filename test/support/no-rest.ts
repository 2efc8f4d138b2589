import type { RestDoor } from '../../server/http/rest-routes.js';

/** What stands behind an HTTP port of which a test asks other things: every call is answered with nothing. */
export const NO_REST: RestDoor = {
  maxBytes: 1024,
  ask: async () => ({ status: 200, text: '{}', binary: [] }),
};
