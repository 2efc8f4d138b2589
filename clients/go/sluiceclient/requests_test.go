package sluiceclient

import (
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"

	sluicev1 "sluice/gen/sluice/v1"
)

// double keeps what it is sent and answers each frame with what it was given.
type double struct {
	sluicev1.UnimplementedInferenceServer
	detects    []*sluicev1.DetectRequest
	detected   *sluicev1.DetectResponse
	classifies []*sluicev1.ClassifyRequest
	classified *sluicev1.ClassifyResponse
}

func (server *double) Detect(stream grpc.BidiStreamingServer[sluicev1.DetectRequest, sluicev1.DetectResponse]) error {
	return keep(stream, &server.detects, server.detected)
}

func (server *double) Classify(
	stream grpc.BidiStreamingServer[sluicev1.ClassifyRequest, sluicev1.ClassifyResponse],
) error {
	return keep(stream, &server.classifies, server.classified)
}

func keep[Request, Response any, R interface {
	*Request
	GetFrame() *sluicev1.Frame
}](stream grpc.BidiStreamingServer[Request, Response], kept *[]R, answer *Response) error {
	for {
		request, err := stream.Recv()
		if err != nil {
			return nil
		}
		*kept = append(*kept, request)
		if R(request).GetFrame() != nil {
			if err := stream.Send(answer); err != nil {
				return err
			}
		}
	}
}

func (server *double) dial(t *testing.T) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := grpc.NewServer()
	sluicev1.RegisterInferenceServer(served, server)
	go served.Serve(listener)
	t.Cleanup(served.Stop)
	client, err := Dial(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestTextsAndRegionsAreClassified(t *testing.T) {
	server := &double{classified: &sluicev1.ClassifyResponse{Classifications: []*sluicev1.Classification{
		{Classes: []*sluicev1.ClassScore{{ClassId: 3, Label: "cat", Score: 0.75}}},
	}}}
	text := RegionsFrame{Frame: Frame{Text: "Grüße"}}
	empty := RegionsFrame{Frame: Frame{ID: "empty"}}
	picture := plain(0, 0, 0)
	picture.Regions = []*sluicev1.Region{{Shape: &sluicev1.Region_Box{Box: &sluicev1.Box{Right: 32, Bottom: 32}}}}
	options := &sluicev1.ClassifyOptions{TopK: 2}
	answers := 0
	for result, err := range server.dial(t).Classify(t.Context(), Frames(text, empty, picture), options) {
		if err != nil {
			t.Fatal(err)
		}
		if label := result.GetClassifications()[0].GetClasses()[0].GetLabel(); label != "cat" {
			t.Errorf("the class is %q", label)
		}
		answers++
	}
	if answers != 3 || len(server.classifies) != 4 {
		t.Fatalf("3 frames gave %d messages and %d answers", len(server.classifies), answers)
	}
	if topK := server.classifies[0].GetOptions().GetTopK(); topK != 2 {
		t.Errorf("top_k was sent as %d", topK)
	}
	if sent := server.classifies[1].GetFrame().GetText(); sent != "Grüße" {
		t.Errorf("the text was sent as %q", sent)
	}
	if _, isText := server.classifies[2].GetFrame().GetContent().(*sluicev1.Frame_Text); !isText {
		t.Error("an empty text was not sent as a text")
	}
	if sent := server.classifies[3]; sent.GetFrame().GetRaw() == nil || len(sent.GetRegions()) != 1 {
		t.Error("a picture with a region was sent otherwise")
	}
}

func TestATextThatIsNotUTF8ComesAfterTheAnswersBefore(t *testing.T) {
	server := &double{classified: &sluicev1.ClassifyResponse{}}
	good := RegionsFrame{Frame: Frame{Text: "good"}}
	bad := RegionsFrame{Frame: Frame{ID: "bad", Text: "\xff"}}
	var told []error
	for _, err := range server.dial(t).Classify(t.Context(), Frames(good, bad, good), nil) {
		told = append(told, err)
	}
	if len(told) != 2 || told[0] != nil || told[1] == nil || !strings.Contains(told[1].Error(), `"bad" is not UTF-8`) {
		t.Errorf("the errors were %v", told)
	}
}

func TestRegionsAndOptionsOfDetectionsAreSent(t *testing.T) {
	server := &double{detected: &sluicev1.DetectResponse{Annotated: []byte("a JPEG")}}
	frame := plain(0, 0, 0)
	frame.Regions = []*sluicev1.Region{{Shape: &sluicev1.Region_Box{Box: &sluicev1.Box{Right: 32, Bottom: 32}}}}
	options := &sluicev1.DetectOptions{MaskFormat: sluicev1.MaskFormat_MASK_FORMAT_PNG, Annotate: true}
	for result, err := range server.dial(t).Detect(t.Context(), Frames(frame), options) {
		if err != nil || string(result.GetAnnotated()) != "a JPEG" {
			t.Errorf("the answer was %v, %v", result, err)
		}
	}
	if len(server.detects) != 2 {
		t.Fatalf("a frame gave %d messages", len(server.detects))
	}
	sent := server.detects[0].GetOptions()
	if sent.GetMaskFormat() != sluicev1.MaskFormat_MASK_FORMAT_PNG || !sent.GetAnnotate() {
		t.Errorf("the options were sent as %v", sent)
	}
	if len(server.detects[1].GetRegions()) != 1 {
		t.Error("the region was not sent")
	}
}
