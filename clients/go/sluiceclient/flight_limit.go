package sluiceclient

import (
	"context"

	sluicev1 "sluice/gen/sluice/v1"
)

// serverWindow is how many frames may be in flight in the server where a stream asks for none; see StreamOptions.
const serverWindow = 8

// flightLimit is how many frames may be sent and not yet answered. Nil: only HTTP/2 flow control holds the sender back.
type flightLimit chan struct{}

// newFlightLimit allows as many frames on their way as the server works on, so that its window never runs empty. Live
// video must not wait for answers: the server drops what is late.
func newFlightLimit(options *sluicev1.StreamOptions) flightLimit {
	if options.GetFramePolicy() == sluicev1.FramePolicy_FRAME_POLICY_LATEST {
		return nil
	}
	window := int(options.GetWindow())
	if window == 0 {
		window = serverWindow
	}
	return make(flightLimit, 2*window)
}

// takeOff waits for room for one more frame. False: ctx was done first.
func (limit flightLimit) takeOff(ctx context.Context) bool {
	if limit == nil {
		return ctx.Err() == nil
	}
	select {
	case limit <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// land is told of each answer.
func (limit flightLimit) land() {
	select {
	case <-limit:
	default:
	}
}
