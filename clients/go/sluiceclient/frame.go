package sluiceclient

import (
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	sluicev1 "sluice/gen/sluice/v1"
)

// Frame is one picture of a stream: either Encoded or Raw.
type Frame struct {
	// Encoded is a JPEG, PNG or WebP file.
	Encoded []byte
	// Raw is pixels as they are.
	Raw *sluicev1.RawPicture
	// ID is repeated by the answer; at most 256 bytes.
	ID string
	// Timeout is the time after which the answer is worth nothing; 0: the model's default.
	Timeout time.Duration
	// Priority counts from 1, the first; 0: the model's default.
	Priority uint32
}

// EmbedFrame is a picture with the parts of it to embed; none: all of it.
type EmbedFrame struct {
	Frame
	Regions []*sluicev1.Region
}

// Frames makes a stream of frames that are there already.
func Frames[F any](frames ...F) iter.Seq2[F, error] {
	return func(yield func(F, error) bool) {
		for _, frame := range frames {
			if !yield(frame, nil) {
				return
			}
		}
	}
}

func (frame Frame) message() *sluicev1.Frame {
	message := &sluicev1.Frame{FrameId: frame.ID, Priority: frame.Priority}
	if frame.Timeout != 0 {
		message.Timeout = durationpb.New(frame.Timeout)
	}
	if frame.Raw != nil {
		message.Content = &sluicev1.Frame_Raw{Raw: frame.Raw}
	} else {
		message.Content = &sluicev1.Frame_Encoded{Encoded: frame.Encoded}
	}
	return message
}
