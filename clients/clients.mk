# The Python client's generated protocol and the Go client's programs; included by the Makefile, after its variables.

PYTHON_CLIENT := clients/python/sluice_client/gen/inference_pb2.py
GO_CLIENT := build/go/.built
GO_SOURCES := $(shell find clients/go -type f -not -path 'clients/go/gen/*')
# Empty where Go is missing or older than clients/go/go.mod asks for.
GO_MODULE := $(shell cd clients/go && go list -m 2>/dev/null)

.PHONY: clients
clients: $(PYTHON_CLIENT) ## generate the Python client's protocol, build the Go client's programs

$(PYTHON_CLIENT): proto/sluice/v1/inference.proto $(VENV)
	.venv/bin/python -m grpc_tools.protoc -I sluice_client/gen=$(<D) \
	  --python_out=clients/python --pyi_out=clients/python --grpc_python_out=clients/python \
	  sluice_client/gen/$(<F)
	@touch $@

# Unmodified, for the tests of reflection and of the open inference protocol.
GRPCURL_VERSION := v1.9.3
GRPCURL := $(if $(GO_MODULE),build/go/grpcurl)

build/go/grpcurl:
	GOBIN=$(CURDIR)/$(@D) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)

ifneq ($(GO_MODULE),)
clients: $(GO_CLIENT)

$(GO_CLIENT): $(GO_SOURCES) $(wildcard proto/sluice/v1/*.proto) $(NODE_MODULES)
	npx buf generate --template clients/go/buf.gen.yaml
	go -C clients/go build -buildvcs=false -o ../../$(@D)/ ./cmd/...
	@touch $@
else
clients: no-go

.PHONY: no-go
no-go:
	@echo 'The Go client is not built and its tests are skipped: it needs Go, 1.24 or newer (see `make doctor`).'
endif
