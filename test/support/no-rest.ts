import { ServingError } from '../../server/core/errors.js';
import type { RestDoor } from '../../server/http/rest-routes.js';

/** An HTTP port without the open inference protocol behind it. */
export const NO_REST: RestDoor = {
  maxBytes: 1024,
  ask: () => Promise.reject(new ServingError('INTERNAL', 'nobody was to ask this')),
};
