package sluiceclient

import (
	"context"
	"crypto/tls"
	"math"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Option says how Dial connects, and as whom.
type Option func(*dialing)

type dialing struct {
	transport credentials.TransportCredentials
	token     string
}

// WithTLS connects by TLS. The configuration has the authorities that are trusted and the client's own certificate,
// where the server asks for one; nil trusts what the system does.
func WithTLS(configuration *tls.Config) Option {
	return func(dialing *dialing) { dialing.transport = credentials.NewTLS(configuration) }
}

// WithToken sends a token with every call, where the server asks for one. Without TLS everyone on the way can read it.
func WithToken(token string) Option {
	return func(dialing *dialing) { dialing.token = token }
}

func dialOptions(options []Option) []grpc.DialOption {
	dialing := dialing{transport: insecure.NewCredentials()}
	for _, option := range options {
		option(&dialing)
	}
	all := []grpc.DialOption{
		grpc.WithTransportCredentials(dialing.transport),
		grpc.WithDefaultServiceConfig(retries),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(math.MaxInt32),
			grpc.MaxCallSendMsgSize(math.MaxInt32),
		),
	}
	if dialing.token != "" {
		all = append(all, grpc.WithPerRPCCredentials(bearer(dialing.token)))
	}
	return all
}

// bearer is a token as gRPC sends it.
type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity is false: a proxy beside the server may do that part.
func (token bearer) RequireTransportSecurity() bool {
	return false
}
