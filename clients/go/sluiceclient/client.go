// Package sluiceclient is the client of Sluice, a gRPC inference server for vision: frames go in, what is found
// in them comes out in order. Options and results are the messages of the protocol, whose comments are the reference.
package sluiceclient

import (
	"context"
	"fmt"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	sluicev1 "sluice/gen/sluice/v1"
)

// Client is a client of one Sluice server, for any number of streams at once and from any goroutine. A call that fails with
// UNAVAILABLE before its first answer is tried again, three times at most.
type Client struct {
	connection *grpc.ClientConn
	stub       sluicev1.InferenceClient
}

// Dial connects to "host:port". It fails when no server answers before ctx is done; ctx has no say after that.
func Dial(ctx context.Context, address string, options ...Option) (*Client, error) {
	connection, err := grpc.NewClient(address, dialOptions(options)...)
	if err != nil {
		return nil, err
	}
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		if !connection.WaitForStateChange(ctx, state) {
			connection.Close()
			return nil, fmt.Errorf("no Sluice server answers at %s: %w", address, context.Cause(ctx))
		}
	}
	return &Client{connection, sluicev1.NewInferenceClient(connection)}, nil
}

// Close closes the connection; open streams fail.
func (client *Client) Close() error {
	return client.connection.Close()
}

// Detect finds objects in each frame and yields one answer for each, in order. Regions are for models that look at one
// object at a time (poses): the boxes of the objects, each yielding one detection. Nil options leave everything to the
// server.
//
// A frame that failed comes with a *FrameError, and the stream goes on with the next one; any other error ends it: a gRPC
// status, or an error of frames themselves, which comes after the answers to the frames before. Leaving the loop, and the
// end of ctx, cancel what is queued.
//
// Frames are taken one by one as the server answers, in a goroutine of their own, which stops at the next frame when the
// loop has ended early.
func (client *Client) Detect(
	ctx context.Context,
	frames iter.Seq2[RegionsFrame, error],
	options *sluicev1.DetectOptions,
) iter.Seq2[*sluicev1.DetectResponse, error] {
	if options == nil {
		options = &sluicev1.DetectOptions{}
	}
	exchange := exchange[RegionsFrame, sluicev1.DetectRequest, sluicev1.DetectResponse]{
		open: func(ctx context.Context) (grpc.BidiStreamingClient[sluicev1.DetectRequest, sluicev1.DetectResponse], error) {
			return client.stub.Detect(ctx)
		},
		opening: &sluicev1.DetectRequest{Options: options},
		request: func(frame RegionsFrame) (*sluicev1.DetectRequest, error) {
			message, err := frame.message()
			return &sluicev1.DetectRequest{Frame: message, Regions: frame.Regions}, err
		},
		info:  (*sluicev1.DetectResponse).GetFrame,
		limit: newFlightLimit(options.GetStream()),
	}
	return exchange.run(ctx, frames)
}

// Embed turns each frame, or its regions, into feature vectors. The rest is as for Detect.
func (client *Client) Embed(
	ctx context.Context,
	frames iter.Seq2[RegionsFrame, error],
	options *sluicev1.EmbedOptions,
) iter.Seq2[*sluicev1.EmbedResponse, error] {
	if options == nil {
		options = &sluicev1.EmbedOptions{}
	}
	exchange := exchange[RegionsFrame, sluicev1.EmbedRequest, sluicev1.EmbedResponse]{
		open: func(ctx context.Context) (grpc.BidiStreamingClient[sluicev1.EmbedRequest, sluicev1.EmbedResponse], error) {
			return client.stub.Embed(ctx)
		},
		opening: &sluicev1.EmbedRequest{Options: options},
		request: func(frame RegionsFrame) (*sluicev1.EmbedRequest, error) {
			message, err := frame.message()
			return &sluicev1.EmbedRequest{Frame: message, Regions: frame.Regions}, err
		},
		info:  (*sluicev1.EmbedResponse).GetFrame,
		limit: newFlightLimit(options.GetStream()),
	}
	return exchange.run(ctx, frames)
}

// Classify tells what each frame, or each of its regions, shows. The rest is as for Detect.
func (client *Client) Classify(
	ctx context.Context,
	frames iter.Seq2[RegionsFrame, error],
	options *sluicev1.ClassifyOptions,
) iter.Seq2[*sluicev1.ClassifyResponse, error] {
	if options == nil {
		options = &sluicev1.ClassifyOptions{}
	}
	exchange := exchange[RegionsFrame, sluicev1.ClassifyRequest, sluicev1.ClassifyResponse]{
		open: func(ctx context.Context) (grpc.BidiStreamingClient[sluicev1.ClassifyRequest, sluicev1.ClassifyResponse], error) {
			return client.stub.Classify(ctx)
		},
		opening: &sluicev1.ClassifyRequest{Options: options},
		request: func(frame RegionsFrame) (*sluicev1.ClassifyRequest, error) {
			message, err := frame.message()
			return &sluicev1.ClassifyRequest{Frame: message, Regions: frame.Regions}, err
		},
		info:  (*sluicev1.ClassifyResponse).GetFrame,
		limit: newFlightLimit(options.GetStream()),
	}
	return exchange.run(ctx, frames)
}

// Segment tells the class of every pixel of each frame. The rest is as for Detect.
func (client *Client) Segment(
	ctx context.Context,
	frames iter.Seq2[Frame, error],
	options *sluicev1.SegmentOptions,
) iter.Seq2[*sluicev1.SegmentResponse, error] {
	if options == nil {
		options = &sluicev1.SegmentOptions{}
	}
	exchange := exchange[Frame, sluicev1.SegmentRequest, sluicev1.SegmentResponse]{
		open: func(ctx context.Context) (grpc.BidiStreamingClient[sluicev1.SegmentRequest, sluicev1.SegmentResponse], error) {
			return client.stub.Segment(ctx)
		},
		opening: &sluicev1.SegmentRequest{Options: options},
		request: func(frame Frame) (*sluicev1.SegmentRequest, error) {
			message, err := frame.message()
			return &sluicev1.SegmentRequest{Frame: message}, err
		},
		info:  (*sluicev1.SegmentResponse).GetFrame,
		limit: newFlightLimit(options.GetStream()),
	}
	return exchange.run(ctx, frames)
}
