package sluiceclient

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "sluice/gen/sluice/v1"
)

// FrameError is the failure of one frame; the stream that it came from goes on.
type FrameError struct {
	FrameID string
	// Status is the code that a unary call would have returned.
	Status codes.Code
	// Code is the stable name of the error, such as BAD_IMAGE, QUEUE_FULL or FRAME_DROPPED.
	Code string
	// Message says what is wrong and what to change.
	Message string
	// Retryable tells whether sending the same frame again later may succeed.
	Retryable bool
}

func (err *FrameError) Error() string {
	return fmt.Sprintf("%s: %s: %s", err.FrameID, err.Code, err.Message)
}

// GRPCStatus lets status.Code and its like understand the error.
func (err *FrameError) GRPCStatus() *status.Status {
	return status.New(err.Status, err.Message)
}

// frameError is nil where the frame has not failed.
func frameError(info *sluicev1.FrameInfo) error {
	failure := info.GetError()
	if failure == nil {
		return nil
	}
	return &FrameError{
		FrameID:   info.GetFrameId(),
		Status:    codes.Code(failure.GetStatus()),
		Code:      failure.GetCode(),
		Message:   failure.GetMessage(),
		Retryable: failure.GetRetryable(),
	}
}
