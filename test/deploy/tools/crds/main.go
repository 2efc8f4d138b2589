// Command crds reads Kubernetes documents from standard input and holds those of the Prometheus operator against the
// operator's own types: an unknown field, or a value of the wrong type, is told, and the exit code is 1. Documents of
// other kinds are left out. It prints how many it has checked.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	checked, err := check(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(checked)
}

func check(input io.Reader) (int, error) {
	data, err := io.ReadAll(input)
	if err != nil {
		return 0, err
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	checked := 0
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return checked, nil
		}
		if err != nil {
			return checked, err
		}
		var head struct{ APIVersion, Kind string }
		if err := strict.Unmarshal(document, &head); err != nil {
			return checked, err
		}
		object, known := map[string]any{
			"ServiceMonitor": &monitoring.ServiceMonitor{},
			"PrometheusRule": &monitoring.PrometheusRule{},
		}[head.Kind]
		if !known || head.APIVersion != monitoring.SchemeGroupVersion.String() {
			continue
		}
		if err := strict.UnmarshalStrict(document, object); err != nil {
			return checked, fmt.Errorf("%s: %w", head.Kind, err)
		}
		checked++
	}
}
