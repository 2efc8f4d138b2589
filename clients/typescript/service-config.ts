/**
 * How a client uses the addresses of a server with replicas, as gRPC's service config, which every language's gRPC reads:
 * in turn, leaving out what does not answer; what was not answered at all because a replica went away is asked of another.
 */
export const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.1s',
        maxBackoff: '1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};
