// Detect finds objects in pictures and prints one line for each.
//
//	detect -server 127.0.0.1:8001 -model centerface street.jpg
//
// Exit code 1 when a picture or the stream failed; the others are still answered.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"

	"sluice/cmd/internal/program"
	sluicev1 "sluice/gen/sluice/v1"
)

func main() {
	server := program.ServerFlags()
	model := flag.String("model", "", "`NAME` of the model; may be left out where only one fits")
	scoreThreshold := flag.Float64("score-threshold", -1, "leave out what scores less, 0 to 1 (default: the model's)")
	flag.Parse()

	client, err := server.Connect()
	if err != nil {
		program.Fail("detect", err)
	}
	options := &sluicev1.DetectOptions{Stream: &sluicev1.StreamOptions{Model: *model}}
	if *scoreThreshold != -1 {
		threshold := float32(*scoreThreshold)
		options.ScoreThreshold = &threshold
	}
	exitCode := 0
	for result, err := range client.Detect(context.Background(), program.ReadFrames(flag.Args()), options) {
		switch {
		case program.IsFrameError(err):
			exitCode = 1
		case err != nil:
			program.Fail("detect", err)
		default:
			report(result)
		}
	}
	client.Close()
	os.Exit(exitCode)
}

func report(result *sluicev1.DetectResponse) {
	id := result.GetFrame().GetFrameId()
	if len(result.GetDetections()) == 0 {
		fmt.Printf("%s: nothing found\n", id)
	}
	for _, detection := range result.GetDetections() {
		what := detection.GetLabel()
		if what == "" {
			what = fmt.Sprintf("class %d", detection.GetClassId())
		}
		box := detection.GetBox()
		fmt.Printf("%s: %s %.3f at (%d, %d)-(%d, %d)\n", id, what, detection.GetScore(),
			round(box.GetLeft()), round(box.GetTop()), round(box.GetRight()), round(box.GetBottom()))
	}
}

func round(edge float32) int {
	return int(math.Floor(float64(edge) + 0.5))
}
