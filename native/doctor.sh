#!/usr/bin/env bash
# `make doctor`: what this machine has of what Sluice needs, and how to get the rest. Exit code 1 when it cannot be built.
set -u
cd "$(dirname "$0")/.."
missing=0

found() { printf '  ok       %-16s %s\n' "$1" "$2"; }
absent() { printf '  missing  %-16s %s\n' "$1" "$2"; }
needed() { absent "$1" "$2"; missing=1; }

# first NAME COMMAND...: the first line that a command prints, or nothing when there is no such command.
first() { command -v "$1" >/dev/null 2>&1 && "$@" 2>&1 | head -n 1; }

echo 'needed to build and run'
node_version=$(first node --version)
case "$node_version" in
  '') needed Node 'install Node 20.19 or newer' ;;
  v20.19*|v20.[2-9][0-9]*|v2[2-9]*|v[3-9][0-9]*) found Node "$node_version" ;;
  *) needed Node "$node_version is too old; install Node 20.19 or newer" ;;
esac
compiler=$(first c++ --version)
if [ -n "$compiler" ]; then found 'C++ compiler' "$compiler"; else needed 'C++ compiler' 'apt-get install g++'; fi
cmake_version=$(first cmake --version)
if [ -n "$cmake_version" ]; then found CMake "$cmake_version"; else needed CMake 'apt-get install cmake'; fi
python_version=$(first python3 --version)
if [ -n "$python_version" ]; then found Python "$python_version"; else needed Python 'apt-get install python3'; fi
pip_version=$(python3 -m pip --version 2>/dev/null)
if [ -n "$pip_version" ]; then found pip "${pip_version%% from*}"; else needed pip 'apt-get install python3-pip'; fi
if python3 -c 'import venv, ensurepip' 2>/dev/null; then found 'Python venv' 'for the tests'
else absent 'Python venv' 'for the tests: apt-get install python3-venv'; fi
go_version=$(first go version)
if [ -n "$go_version" ]; then found Go "$go_version"
else absent Go 'for the Go client and its tests: install Go 1.23 or newer'; fi

echo 'built so far'
if [ -f build/native/Release/sluice.node ]; then found addon build/native/Release/sluice.node
else absent addon 'make native'; fi
if [ -f dist/server/main.js ]; then found server dist/server/main.js; else absent server 'make setup'; fi
for model in centerface reid; do
  if [ -f "model-repo/$model/1/model.onnx" ]; then found "$model" "model-repo/$model/1/model.onnx"
  else absent "$model" "node dist/server/main.js models pull $model"; fi
done

echo 'for NVIDIA GPUs (this version serves on the CPU)'
gpus=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null)
if [ -n "$gpus" ]; then while read -r gpu; do found GPU "$gpu"; done <<<"$gpus"
else absent GPU 'no GPU answers nvidia-smi; install the NVIDIA driver where there is one'; fi
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
if [ -n "$nvcc" ]; then found CUDA "$("$nvcc" --version | tail -n 2 | head -n 1)"
else absent CUDA 'install the CUDA toolkit 12 or 13, or put nvcc on PATH'; fi
tensorrt=$(find "${TENSORRT_ROOT:-/usr/include}" /usr/include -name NvInfer.h 2>/dev/null | head -n 1)
if [ -n "$tensorrt" ]; then found TensorRT "$tensorrt"
else absent TensorRT 'install TensorRT 10 and set TENSORRT_ROOT to its directory'; fi

exit "$missing"
