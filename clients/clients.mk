# What the clients are made of; included by the Makefile, after its variables. A client whose tools are missing is not built,
# and that is told; its tests are skipped.

PYTHON_CLIENT := clients/python/sluice_client/gen/inference_pb2.py
GO_CLIENT := build/go/.built
GO_SOURCES := $(shell find clients/go -type f -not -path 'clients/go/gen/*')
# Empty where Go is missing or older than clients/go/go.mod asks for.
GO_MODULE := $(shell cd clients/go && go list -m 2>/dev/null)
JAVA_CLIENT := build/java/.built
JAVA_SOURCES := $(shell find clients/java -type f)
MAVEN := $(shell mvn --version 2>/dev/null | head -n 1)
CPP_CLIENT := build/cpp/.built
CPP_SOURCES := $(shell find clients/cpp -type f)
# Debian: libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev.
CPP_GRPC := $(shell pkg-config --exists grpc++ protobuf && command -v grpc_cpp_plugin >/dev/null && command -v protoc)

.PHONY: clients
clients: $(PYTHON_CLIENT) ## build the clients in Python, Go, Java and C++, and their programs

$(PYTHON_CLIENT): clients/python/generate.py $(wildcard proto/sluice/v1/*.proto) $(VENV)
	.venv/bin/python $<
	@touch $@

# Unmodified, for the tests of reflection and of the open inference protocol.
GRPCURL_VERSION := v1.9.3
GRPCURL := $(if $(GO_MODULE),build/go/grpcurl)

build/go/grpcurl:
	GOBIN=$(CURDIR)/$(@D) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)

$(GO_CLIENT): $(GO_SOURCES) $(wildcard proto/sluice/v1/*.proto) $(NODE_MODULES)
	npx buf generate --template clients/go/buf.gen.yaml
	go -C clients/go build -buildvcs=false -o ../../$(@D)/ ./cmd/...
	@touch $@

$(JAVA_CLIENT): $(JAVA_SOURCES) $(wildcard proto/sluice/v1/*.proto)
	mvn --quiet --batch-mode --file clients/java -DskipTests package
	@touch $@

$(CPP_CLIENT): $(CPP_SOURCES) $(wildcard proto/sluice/v1/*.proto)
	cmake -S clients/cpp -B $(@D) -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >$(@D).log || { cat $(@D).log; exit 1; }
	cmake --build $(@D) -j2
	@touch $@

clients: $(if $(GO_MODULE),$(GO_CLIENT),no-go) $(if $(MAVEN),$(JAVA_CLIENT),no-java) $(if $(CPP_GRPC),$(CPP_CLIENT),no-cpp)

.PHONY: no-go no-java no-cpp
no-go:
	@echo 'The Go client is not built and its tests are skipped: it needs Go, 1.24 or newer (see `make doctor`).'
no-java:
	@echo 'The Java client is not built and its tests are skipped: it needs Maven and a JDK, 17 or newer (see `make doctor`).'
no-cpp:
	@echo 'The C++ client is not built and its tests are skipped: it needs gRPC for C++ (see `make doctor`).'
