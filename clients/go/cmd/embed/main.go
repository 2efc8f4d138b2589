// Embed turns pictures into feature vectors and prints one line for each.
//
//	embed -server 127.0.0.1:8001 -model reid person.jpg
//
// Exit code 1 when a picture or the stream failed; the others are still answered.
package main

import (
	"context"
	"encoding/json"
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
	asJSON := flag.Bool("json", false, "print one JSON object for each, with all its values")
	flag.Parse()

	client, err := server.Connect()
	if err != nil {
		program.Fail("embed", err)
	}
	options := &sluicev1.EmbedOptions{Stream: &sluicev1.StreamOptions{Model: *model}}
	exitCode := 0
	for result, err := range client.Embed(context.Background(), program.ReadFrames(flag.Args()), options) {
		switch {
		case program.IsFrameError(err):
			exitCode = 1
		case err != nil:
			program.Fail("embed", err)
		default:
			report(result, *asJSON)
		}
	}
	client.Close()
	os.Exit(exitCode)
}

func report(result *sluicev1.EmbedResponse, asJSON bool) {
	id := result.GetFrame().GetFrameId()
	for _, embedding := range result.GetEmbeddings() {
		values := embedding.GetValues()
		if asJSON {
			json.NewEncoder(os.Stdout).Encode(map[string]any{"image": id, "values": values})
			continue
		}
		squares := 0.0
		for _, value := range values {
			squares += float64(value) * float64(value)
		}
		fmt.Printf("%s: embedding of %d values, length %.3f\n", id, len(values), math.Sqrt(squares))
	}
}
