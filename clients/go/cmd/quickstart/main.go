package main

import (
	"context"
	"fmt"
	"log"
	"os"

	sluicev1 "sluice/gen/sluice/v1"
	"sluice/sluiceclient"
)

func main() {
	address, image := "127.0.0.1:8001", "model-repo/.samples/astronaut.png"
	if len(os.Args) == 3 {
		address, image = os.Args[1], os.Args[2]
	}
	picture, err := os.ReadFile(image)
	if err != nil {
		log.Fatal(err)
	}
	client, err := sluiceclient.Dial(context.Background(), address)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	options := &sluicev1.DetectOptions{Stream: &sluicev1.StreamOptions{Model: "centerface"}}
	frames := sluiceclient.Frames(sluiceclient.RegionsFrame{Frame: sluiceclient.Frame{Encoded: picture}})
	for result, err := range client.Detect(context.Background(), frames, options) {
		if err != nil {
			log.Fatal(err)
		}
		for _, face := range result.GetDetections() {
			fmt.Println(face.GetScore(), face.GetBox())
		}
	}
}
