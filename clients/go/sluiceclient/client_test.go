package sluiceclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"iter"
	"math"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sluicev1 "sluice/gen/sluice/v1"
)

// The tests run against a server whose address is in SLUICE_SERVER. It has four models with an input of 64x64 pixels:
// `spots` finds what is red, `means` embeds a picture as the mean of its channels, red first, brought to unit length,
// `colors` tells each pixel red, green or blue, `kinds` a whole picture. test/clients/packages.test.ts starts it and runs
// them. What that server cannot do is asked of a double; see requests_test.go.

const side = 64

func dial(t *testing.T) *Client {
	t.Helper()
	address := os.Getenv("SLUICE_SERVER")
	if address == "" {
		t.Skip("SLUICE_SERVER names no server")
	}
	client, err := Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func plain(red, green, blue byte) RegionsFrame {
	return RegionsFrame{Frame: Frame{Raw: &sluicev1.RawPicture{
		Format: sluicev1.PixelFormat_PIXEL_FORMAT_RGB8,
		Width:  side,
		Height: side,
		Data:   bytes.Repeat([]byte{red, green, blue}, side*side),
	}}}
}

func options(model string) *sluicev1.DetectOptions {
	return &sluicev1.DetectOptions{Stream: &sluicev1.StreamOptions{Model: model}}
}

func TestRegionsAreEmbeddedOneByOne(t *testing.T) {
	client := dial(t)
	frame := plain(0, 0, 255)
	for range 2 {
		box := &sluicev1.Box{Right: side / 2, Bottom: side}
		frame.Regions = append(frame.Regions, &sluicev1.Region{Shape: &sluicev1.Region_Box{Box: box}})
	}
	options := &sluicev1.EmbedOptions{Stream: &sluicev1.StreamOptions{Model: "means"}}
	for result, err := range client.Embed(t.Context(), Frames(frame), options) {
		if err != nil {
			t.Fatal(err)
		}
		if len(result.GetEmbeddings()) != 2 {
			t.Fatalf("2 regions gave %d embeddings", len(result.GetEmbeddings()))
		}
		for _, embedding := range result.GetEmbeddings() {
			if values := embedding.GetValues(); math.Abs(float64(values[2])-1) > 1e-3 {
				t.Errorf("a blue picture gave %v", values)
			}
		}
	}
}

func TestEveryPixelHasItsClassAndHowSureTheModelIs(t *testing.T) {
	client := dial(t)
	options := &sluicev1.SegmentOptions{Stream: &sluicev1.StreamOptions{Model: "colors"}, ProbabilityMap: true}
	for result, err := range client.Segment(t.Context(), Frames(plain(0, 200, 0).Frame), options) {
		if err != nil {
			t.Fatal(err)
		}
		found := result.GetClasses()
		if len(found) != 1 || found[0].GetLabel() != "green" || found[0].GetPixels() != side*side {
			t.Errorf("a green picture gave %v", found)
		}
		for name, of := range map[string]struct {
			file  []byte
			level uint8
		}{"class": {result.GetClassMap(), 1}, "probability": {result.GetProbabilityMap(), 200}} {
			picture, err := png.Decode(bytes.NewReader(of.file))
			if err != nil {
				t.Fatal(err)
			}
			if level := color.GrayModel.Convert(picture.At(side/2, side/2)).(color.Gray).Y; level != of.level {
				t.Errorf("the map of the %s has %d, not %d", name, level, of.level)
			}
		}
	}
}

func TestAPictureHasItsClass(t *testing.T) {
	client := dial(t)
	options := &sluicev1.ClassifyOptions{Stream: &sluicev1.StreamOptions{Model: "kinds"}, TopK: 1}
	var told []string
	for result, err := range client.Classify(t.Context(), Frames(plain(0, 200, 0), plain(250, 0, 0)), options) {
		if err != nil {
			t.Fatal(err)
		}
		for _, class := range result.GetClassifications()[0].GetClasses() {
			told = append(told, class.GetLabel())
		}
	}
	if !slices.Equal(told, []string{"green", "red"}) {
		t.Errorf("a green and a red picture gave %v", told)
	}
}

func TestACallThatNoModelAnswersIsTold(t *testing.T) {
	client := dial(t)
	options := &sluicev1.ClassifyOptions{Stream: &sluicev1.StreamOptions{Model: "means"}}
	var last error
	for _, last = range client.Classify(t.Context(), Frames(plain(0, 0, 0)), options) {
	}
	if status.Code(last) != codes.Unimplemented {
		t.Errorf("classifying with an embedder gave %v", last)
	}
}

func TestTextsAndRegionsThatAModelDoesNotTakeAreTheErrorsOfTheirFrames(t *testing.T) {
	client := dial(t)
	text := RegionsFrame{Frame: Frame{ID: "text", Text: "a text"}}
	inPart := plain(0, 0, 0)
	inPart.Regions = []*sluicev1.Region{{Shape: &sluicev1.Region_Box{Box: &sluicev1.Box{Right: 32, Bottom: 32}}}}
	var told []string
	for _, err := range client.Detect(t.Context(), Frames(text, inPart, plain(0, 0, 0)), options("spots")) {
		var failure *FrameError
		if errors.As(err, &failure) {
			told = append(told, failure.Code)
		} else if err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(told, []string{"INVALID_REQUEST", "INVALID_REQUEST"}) {
		t.Errorf("the errors were %v", told)
	}
}

func TestAnswersComeInOrderWithTheErrorsOfTheirFrames(t *testing.T) {
	client := dial(t)
	bad := RegionsFrame{Frame: Frame{ID: "bad", Encoded: []byte("no picture")}}
	late := plain(0, 0, 0)
	late.Timeout = -time.Second
	index := 0
	for result, err := range client.Detect(t.Context(), Frames(plain(0, 0, 0), bad, late, plain(0, 0, 0)), options("spots")) {
		if result.GetFrame().GetIndex() != uint64(index) {
			t.Errorf("frame %d came at place %d", result.GetFrame().GetIndex(), index)
		}
		var failure *FrameError
		switch errors.As(err, &failure); index {
		case 1:
			if failure == nil || failure.FrameID != "bad" || failure.Code != "BAD_IMAGE" {
				t.Errorf("a bad picture gave %v", err)
			}
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("a bad picture gave the status %v", status.Code(err))
			}
		case 2:
			if failure == nil || failure.Code != "INVALID_REQUEST" {
				t.Errorf("a negative timeout gave %v", err)
			}
		default:
			if err != nil {
				t.Error(err)
			}
		}
		index++
	}
	if index != 4 {
		t.Errorf("4 frames gave %d answers", index)
	}
}

func TestAStreamThatFailsEndsWithItsStatus(t *testing.T) {
	client := dial(t)
	for name, frames := range map[string]iter.Seq2[RegionsFrame, error]{
		"a frame": Frames(plain(0, 0, 0)),
		"none":    Frames[RegionsFrame](),
	} {
		answers := 0
		for _, err := range client.Detect(t.Context(), frames, options("nothing")) {
			answers++
			if status.Code(err) != codes.NotFound {
				t.Errorf("%s to an unknown model gave %v", name, err)
			}
		}
		if answers != 1 {
			t.Errorf("%s to an unknown model gave %d answers", name, answers)
		}
	}
}

func TestAnErrorOfTheFramesComesAfterTheAnswersBefore(t *testing.T) {
	client := dial(t)
	gone := errors.New("the camera is gone")
	frames := func(yield func(RegionsFrame, error) bool) {
		_ = yield(plain(0, 0, 0), nil) && yield(plain(0, 0, 0), nil) && yield(RegionsFrame{}, gone)
	}
	var told []error
	for _, err := range client.Detect(t.Context(), frames, options("spots")) {
		told = append(told, err)
	}
	if len(told) != 3 || told[0] != nil || told[1] != nil || told[2] != gone {
		t.Errorf("the errors were %v", told)
	}
}

func TestFramesAreTakenAsAnswersAreAndStopWhenTheLoopIsLeft(t *testing.T) {
	client := dial(t)
	var taken atomic.Int64
	stopped := make(chan struct{})
	frames := func(yield func(RegionsFrame, error) bool) {
		defer close(stopped)
		for taken.Add(1); yield(plain(0, 0, 0), nil); taken.Add(1) {
		}
	}
	choice := options("spots")
	choice.Stream.Window = 2
	var answered, ahead int64
	for _, err := range client.Detect(t.Context(), frames, choice) {
		if err != nil {
			t.Fatal(err)
		}
		answered++
		ahead = max(ahead, taken.Load()-answered)
		if answered == 100 {
			break
		}
	}
	// One more frame is in the sender's hand, and one may have taken off since the last answer landed.
	if ahead > 2*2+2 {
		t.Errorf("the frames were %d ahead of the answers", ahead)
	}
	<-stopped
}

func TestLiveVideoIsAnsweredFrameByFrame(t *testing.T) {
	client := dial(t)
	var frames []RegionsFrame
	for index := range 200 {
		frame := plain(0, 0, 0)
		frame.ID = fmt.Sprint(index)
		frames = append(frames, frame)
	}
	choice := options("spots")
	choice.Stream.Window = 1
	choice.Stream.FramePolicy = sluicev1.FramePolicy_FRAME_POLICY_LATEST
	answered := 0
	for result, err := range client.Detect(t.Context(), Frames(frames...), choice) {
		if result.GetFrame().GetFrameId() != frames[answered].ID {
			t.Errorf("frame %q came at place %d", result.GetFrame().GetFrameId(), answered)
		}
		var failure *FrameError
		if err != nil && (!errors.As(err, &failure) || failure.Code != "FRAME_DROPPED") {
			t.Error(err)
		}
		answered++
		if answered == len(frames) && err != nil {
			t.Error("the newest frame was dropped")
		}
	}
	if answered != len(frames) {
		t.Errorf("%d frames gave %d answers", len(frames), answered)
	}
}

func TestTheEndOfTheContextEndsTheStream(t *testing.T) {
	client := dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	endless := func(yield func(RegionsFrame, error) bool) {
		for yield(plain(0, 0, 0), nil) {
		}
	}
	var last error
	for _, err := range client.Detect(ctx, endless, options("spots")) {
		last = err
		cancel()
	}
	if status.Code(last) != codes.Canceled {
		t.Errorf("the stream ended with %v", last)
	}
}

func TestTheDeadlineOfTheContextEndsTheStream(t *testing.T) {
	client := dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	endless := func(yield func(RegionsFrame, error) bool) {
		for yield(plain(0, 0, 0), nil) {
		}
	}
	var last error
	for _, last = range client.Detect(ctx, endless, options("spots")) {
	}
	if status.Code(last) != codes.DeadlineExceeded {
		t.Errorf("the stream ended with %v", last)
	}
}

func TestTheRepositoryIsTold(t *testing.T) {
	client := dial(t)
	models, err := client.ListModels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ready []string
	for _, model := range models {
		if model.GetState() == sluicev1.ModelState_MODEL_STATE_READY {
			ready = append(ready, model.GetName())
		}
	}
	if !slices.Equal(ready, []string{"colors", "kinds", "means", "spots"}) {
		t.Errorf("the models that are READY were %v", ready)
	}
}

func TestAServerThatLoadsNothingOnDemandSaysSo(t *testing.T) {
	client := dial(t)
	for name, err := range map[string]error{
		"loading":   client.LoadModel(t.Context(), "spots"),
		"unloading": client.UnloadModel(t.Context(), "spots"),
	} {
		if status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func TestDialTellsWhenNoServerAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, "127.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dialling nobody gave %v", err)
	}
}
