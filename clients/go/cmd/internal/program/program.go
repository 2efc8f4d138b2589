// Package program holds what the programs share: their files as frames, and how they end.
package program

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/status"

	"sluice/sluiceclient"
)

// Connect connects to a server within five seconds.
func Connect(address string) (*sluiceclient.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return sluiceclient.Dial(ctx, address)
}

// ReadFrames reads each file, as a whole picture, when its turn has come.
func ReadFrames(images []string) iter.Seq2[sluiceclient.RegionsFrame, error] {
	return func(yield func(sluiceclient.RegionsFrame, error) bool) {
		for _, image := range images {
			picture, err := os.ReadFile(image)
			frame := sluiceclient.Frame{ID: filepath.Base(image), Encoded: picture}
			if !yield(sluiceclient.RegionsFrame{Frame: frame}, err) || err != nil {
				return
			}
		}
	}
}

// IsFrameError reports a frame's error, and answers whether err is one.
func IsFrameError(err error) bool {
	var frame *sluiceclient.FrameError
	if !errors.As(err, &frame) {
		return false
	}
	fmt.Fprintln(os.Stderr, frame)
	return true
}

// Fail tells why the program cannot go on and ends it with exit code 1.
func Fail(name string, err error) {
	text := err.Error()
	if failure, ok := status.FromError(err); ok {
		text = fmt.Sprintf("%s: %s", failure.Code(), failure.Message())
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, text)
	os.Exit(1)
}
