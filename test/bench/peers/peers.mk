# NVIDIA Triton for `make bench-peers`; included by the Makefile, after its variables. The wheel of nvidia-pytriton has the
# server and its Python back end, but no other: the one of ONNX Runtime is ours.

TRITON_BACKENDS := .venv-triton/backends/.built
ONNXRUNTIME = $(abspath $(wildcard node_modules/onnxruntime-node/bin/napi-v*/linux/x64))

.PHONY: bench-peers
bench-peers: setup $(TRITON_BACKENDS) ## measure NVIDIA Triton beside Sluice on this CPU; prints JSON lines and a table
	@node dist/test/bench/peers/run.js

$(TRITON_BACKENDS): test/bench/peers/requirements.txt test/bench/peers/backend/onnx_backend.cc $(TRITON_VENV) $(NODE_MODULES)
	.venv-triton/bin/pip install --quiet --disable-pip-version-check -r $<
	rm -rf $(@D) && mkdir -p $(@D)/onnx
	cp -r .venv-triton/lib/python3*/site-packages/pytriton/tritonserver/backends/python $(@D)/python
	version=$$(.venv-triton/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') && cp \
	  .venv-triton/lib/python3*/site-packages/pytriton/tritonserver/python_backend_stubs/$$version/* $(@D)/python/
	g++ -std=c++17 -O2 -Wall -Wextra -Werror -shared -fPIC test/bench/peers/backend/onnx_backend.cc \
	  -o $(@D)/onnx/libtriton_onnx.so -L$(ONNXRUNTIME) -l:libonnxruntime.so.1 -Wl,-rpath,$(ONNXRUNTIME)
	@touch $@
