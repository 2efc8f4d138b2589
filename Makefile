# `make` lists the targets. Every step is skipped when what it makes is newer than what it is made of.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# onnxruntime-node carries its CPU library in the package; its install script would fetch CUDA libraries from elsewhere.
export ONNXRUNTIME_NODE_INSTALL := skip

PYTHON ?= python3
SLUICE := node dist/server/main.js

PROTOS := $(shell find proto -type f)
SOURCES := $(shell find server clients/typescript test -name '*.ts' -not -path 'server/gen/*') $(wildcard server/http/page/*)
NATIVE_SOURCES := $(shell find native -type f 2>/dev/null)
CATALOG := model-repo/catalog.yaml

NODE_MODULES := node_modules/.package-lock.json
GEN := build/.gen
ADDON := build/native/Release/sluice.node
DIST := dist/.built
MODELS := build/.models
GPU_TOOLCHAIN := build/gpu-toolchain
GPU_CHECK := build/native-gpu-check
GPU_TEST_TARGETS := crash_plugin gpu_operators_test infer_api_test shared_memory_client
VENV := .venv/.installed
DEPLOY_TOOLS := build/deploy-tools/.built
TRITON_VENV := .venv-triton/.installed

include clients/clients.mk
include test/bench/peers/peers.mk

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

.PHONY: setup
setup: $(DIST) $(ADDON) $(MODELS) ## install, generate, compile and pull the models

.PHONY: demo
demo: $(DIST) $(ADDON) ## find what is on a drawn scene, and on the sample pictures, through a real server
	@node dist/clients/typescript/demo.js

.PHONY: serve
serve: setup ## run the server in the foreground
	@exec $(SLUICE) serve --log-format pretty

.PHONY: dev
dev: setup ## run the server and restart it whenever a source changes
	@npx tsc -p . --watch --preserveWatchOutput & npx tsc -p server/http/page --watch --preserveWatchOutput & \
	  trap 'kill %1 %2' EXIT; node --watch dist/server/main.js serve --log-format pretty

.PHONY: test
test: setup clients deploy-tools $(VENV) $(TRITON_VENV) $(GRPCURL) ## run all tests
	@bash test/chromium.sh
	@node dist/test/run.js

.PHONY: test-gpu
test-gpu: setup $(VENV) $(TRITON_VENV) ## run the tests that need a GPU
	@cmake --build build/native --target $(GPU_TEST_TARGETS)
	@node dist/test/run.js --config dist/test/gpu/ava.config.js

.PHONY: bench
bench: setup $(TRITON_VENV) ## measure throughput, latency and memory; prints JSON lines
	@node dist/test/bench/run.js

.PHONY: soak
soak: setup ## send 200,000 mixed requests and watch the memory of the server; prints JSON lines
	@node dist/test/bench/soak/run.js

.PHONY: fuzz
fuzz: setup ## make 100,000 calls of both protocols with messages that are not quite right; prints JSON lines
	@node dist/test/bench/fuzz/run.js

.PHONY: bench-gpu
bench-gpu: setup ## measure on a GPU; prints JSON lines and keeps them in test/gpu/results/
	@cmake --build build/native --target $(GPU_TEST_TARGETS)
	@node dist/test/bench/gpu/run.js

.PHONY: lint
lint: $(GEN) ## check formats, types, the protocol and the usual mistakes
	npx prettier --check --log-level warn server clients test '*.json'
	npx buf lint proto
	npx tsc --noEmit -p .
	npx tsc --noEmit -p server/http/page
	npx oxlint --type-aware --deny-warnings server clients/typescript test

.PHONY: format
format: $(NODE_MODULES) ## bring the sources into the house format
	npx prettier --write --log-level warn server clients test '*.json'

.PHONY: docs
docs: $(DIST) ## write the generated references anew
	node dist/server/cli/write-reference.js

.PHONY: doctor
doctor: ## tell what this machine has and what is missing
	@bash native/doctor.sh

.PHONY: native
native: $(ADDON) ## build the native operators, and the GPU's where CUDA and TensorRT are found

# Warnings are errors here and nowhere else: another compiler than CI's may warn of other things.
.PHONY: native-gpu-check
native-gpu-check: $(NODE_MODULES) ## compile the CUDA and TensorRT sources without a GPU
	@bash native/gpu-toolchain.sh $(GPU_TOOLCHAIN)
	@for tensorrt in $(GPU_TOOLCHAIN)/tensorrt-*; do \
	  build=$(GPU_CHECK)/$${tensorrt##*/}; \
	  CUDACXX=$(CURDIR)/$(GPU_TOOLCHAIN)/cuda/bin/nvcc CUDAARCHS=90 TENSORRT_ROOT=$(CURDIR)/$$tensorrt \
	    npx cmake-js compile -d native --out $$build --CDCMAKE_COMPILE_WARNING_AS_ERROR=ON --log-level error; \
	  cat $$build/gpu.txt; \
	  cmake --build $$build --target $(GPU_TEST_TARGETS); \
	  ls $$build/Release/sluice_gpu.node >/dev/null; \
	done

.PHONY: clean
clean: ## remove everything that was built or fetched, models excepted
	rm -rf dist build server/gen node_modules .venv .venv-triton out
	rm -rf clients/go/gen clients/python/sluice_client/gen clients/typescript/dist

$(NODE_MODULES): package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(GEN): $(PROTOS) $(NODE_MODULES)
	npx buf generate proto --template proto/buf.gen.yaml
	@mkdir -p $(@D) && touch $@

$(ADDON): $(NATIVE_SOURCES) $(NODE_MODULES)
	npx cmake-js compile -d native --out build/native --log-level error
	@cat build/native/gpu.txt
	@touch $@

$(DIST): $(SOURCES) tsconfig.json $(GEN)
	npx tsc -p .
	npx tsc -p server/http/page
	cp server/http/page/*.{html,css,svg} dist/server/http/page/
	@touch $@

$(MODELS): $(CATALOG) | $(DIST)
	$(SLUICE) models pull
	@mkdir -p $(@D) && touch $@

# Empty where Go is missing or too old; the tests that need these programs are skipped there.
ifneq ($(shell cd test/deploy/tools && go list -m 2>/dev/null),)
.PHONY: deploy-tools
deploy-tools: $(DEPLOY_TOOLS)

$(DEPLOY_TOOLS): $(wildcard test/deploy/tools/* test/deploy/tools/*/*.go)
	go -C test/deploy/tools build -buildvcs=false -o $(CURDIR)/$(@D)/ helm.sh/helm/v3/cmd/helm sigs.k8s.io/kustomize/kustomize/v5 ./crds
	@touch $@
else
.PHONY: deploy-tools
deploy-tools:
	@echo 'Helm is not built and the tests of the deployment are skipped: they need Go, 1.24 or newer (see `make doctor`).'
endif

.PHONY: manifests
manifests: $(DIST) deploy-tools ## render deploy/kubernetes anew from the chart
	node dist/test/deploy/write-manifests.js

$(VENV): test/requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r test/requirements.txt
	@touch $@

# perf_analyzer is linked to two libraries by names that nvidia-pytriton has lengthened.
$(TRITON_VENV): test/requirements-triton.txt
	$(PYTHON) -m venv .venv-triton
	.venv-triton/bin/pip install --quiet --disable-pip-version-check -r $<
	mkdir -p .venv-triton/native
	cd .venv-triton/native && ln -sf ../lib/python3*/site-packages/nvidia_pytriton.libs/libb64-*.so.* libb64.so.0d
	cd .venv-triton/native && ln -sf ../lib/python3*/site-packages/nvidia_pytriton.libs/libcudart-*.so.* libcudart.so.12
	@touch $@
