package sluiceclient

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	sluicev1 "sluice/gen/sluice/v1"
)

// exchange is one stream of frames and their answers.
type exchange[F, Request, Response any] struct {
	open func(context.Context) (grpc.BidiStreamingClient[Request, Response], error)
	// opening is the first message: it carries the options alone, so that mistakes in them are told even where there is
	// no frame.
	opening *Request
	// request fails for a frame that cannot be sent; that counts as an error of the frames.
	request func(F) (*Request, error)
	info    func(*Response) *sluicev1.FrameInfo
	limit   flightLimit
}

// run yields the answers in the order of the frames; see Client.Detect for the errors.
func (exchange exchange[F, Request, Response]) run(
	ctx context.Context,
	frames iter.Seq2[F, error],
) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := exchange.open(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		failure := make(chan error, 1)
		go exchange.send(ctx, stream, frames, failure)
		for {
			response, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(nil, err)
				return
			}
			exchange.limit.land()
			if !yield(response, frameError(exchange.info(response))) {
				return
			}
		}
		select {
		case err := <-failure:
			yield(nil, err)
		default:
		}
	}
}

// send sends the frames and half-closes. An error of the frames goes to failure before that; why the stream itself ended
// is for Recv to tell. The context is the stream's: asked for its own, gRPC tries the stream no more.
func (exchange exchange[F, Request, Response]) send(
	ctx context.Context,
	stream grpc.BidiStreamingClient[Request, Response],
	frames iter.Seq2[F, error],
	failure chan<- error,
) {
	defer stream.CloseSend()
	if stream.Send(exchange.opening) != nil {
		return
	}
	for frame, err := range frames {
		var request *Request
		if err == nil {
			request, err = exchange.request(frame)
		}
		if err != nil {
			failure <- err
			return
		}
		if !exchange.limit.takeOff(ctx) || stream.Send(request) != nil {
			return
		}
	}
}
