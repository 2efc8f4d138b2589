package sluiceclient

// retries is gRPC's service config: the addresses of a target take calls in turn, and a call that fails with UNAVAILABLE
// before its first answer is tried again, three times at most.
const retries = `{"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{
	"name": [{"service": "sluice.v1.Inference"}, {"service": "sluice.v1.Repository"}],
	"retryPolicy": {
		"maxAttempts": 4,
		"initialBackoff": "0.1s",
		"maxBackoff": "1s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`
