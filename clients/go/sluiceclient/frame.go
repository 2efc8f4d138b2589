package sluiceclient

import (
	"fmt"
	"iter"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	sluicev1 "sluice/gen/sluice/v1"
)

// Frame is one item of a stream: a picture, either Encoded or Raw, or the Text of a model that reads.
type Frame struct {
	// Encoded is a JPEG, PNG or WebP file.
	Encoded []byte
	// Raw is pixels as they are.
	Raw *sluicev1.RawPicture
	// Text is UTF-8; a frame without a picture has one, which may be empty.
	Text string
	// ID is repeated by the answer; at most 256 bytes.
	ID string
	// Timeout is the time after which the answer is worth nothing; 0: the model's default.
	Timeout time.Duration
	// Priority counts from 1, the first; 0: the model's default.
	Priority uint32
}

// RegionsFrame is a picture with the parts of it that count; none: all of it.
type RegionsFrame struct {
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

// message is the frame as it is sent. It fails for a text that is not UTF-8.
func (frame Frame) message() (*sluicev1.Frame, error) {
	message := &sluicev1.Frame{FrameId: frame.ID, Priority: frame.Priority}
	if frame.Timeout != 0 {
		message.Timeout = durationpb.New(frame.Timeout)
	}
	switch {
	case frame.Raw != nil:
		message.Content = &sluicev1.Frame_Raw{Raw: frame.Raw}
	case frame.Encoded != nil:
		message.Content = &sluicev1.Frame_Encoded{Encoded: frame.Encoded}
	case !utf8.ValidString(frame.Text):
		return nil, fmt.Errorf("the text of the frame %q is not UTF-8", frame.ID)
	default:
		message.Content = &sluicev1.Frame_Text{Text: frame.Text}
	}
	return message, nil
}
