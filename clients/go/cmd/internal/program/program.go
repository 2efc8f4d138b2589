// Package program holds what the programs share: their files as frames, and how they end.
package program

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/status"

	"sluice/sluiceclient"
)

// Server is where to connect, and as whom.
type Server struct {
	address, ca, cert, key, token *string
	tls                           *bool
}

// ServerFlags adds the flags of a server to those of the program.
func ServerFlags() Server {
	return Server{
		address: flag.String("server", "127.0.0.1:8001", "`HOST:PORT` of the server"),
		tls:     flag.Bool("tls", false, "connect by TLS"),
		ca:      flag.String("ca", "", "`FILE` of authorities that the server's certificate may be of, PEM"),
		cert:    flag.String("cert", "", "`FILE` of an own certificate, PEM, where the server asks for one"),
		key:     flag.String("key", "", "`FILE` of the private key of -cert, PEM"),
		token:   flag.String("token", "", "`TOKEN`, where the server asks for one"),
	}
}

// Connect connects within five seconds.
func (server Server) Connect() (*sluiceclient.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	options := []sluiceclient.Option{sluiceclient.WithToken(*server.token)}
	if *server.tls {
		configuration, err := server.configuration()
		if err != nil {
			return nil, err
		}
		options = append(options, sluiceclient.WithTLS(configuration))
	}
	return sluiceclient.Dial(ctx, *server.address, options...)
}

func (server Server) configuration() (*tls.Config, error) {
	configuration := &tls.Config{}
	if *server.ca != "" {
		authorities, err := os.ReadFile(*server.ca)
		if err != nil {
			return nil, err
		}
		configuration.RootCAs = x509.NewCertPool()
		if !configuration.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("%s has no certificate in PEM", *server.ca)
		}
	}
	if *server.cert != "" {
		pair, err := tls.LoadX509KeyPair(*server.cert, *server.key)
		if err != nil {
			return nil, err
		}
		configuration.Certificates = []tls.Certificate{pair}
	}
	return configuration, nil
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
