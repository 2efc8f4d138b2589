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
else absent Go 'for the Go client and its tests: install Go 1.24 or newer'; fi
maven_version=$(mvn --version 2>/dev/null | grep -o -m 1 'Apache Maven [0-9.]*')
if [ -n "$maven_version" ]; then found Maven "$maven_version"
else absent Maven 'for the Java client and its tests: apt-get install maven openjdk-17-jdk-headless'; fi
grpc_version=$(first pkg-config --modversion grpc++)
if [ -n "$grpc_version" ] && command -v protoc >/dev/null && command -v grpc_cpp_plugin >/dev/null; then found 'gRPC for C++' "$grpc_version"
else absent 'gRPC for C++' 'for the C++ client and its tests: apt-get install libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler pkg-config'; fi
openssl_version=$(first openssl version)
if [ -n "$openssl_version" ]; then found openssl "$openssl_version"
else absent openssl 'for the tests of TLS: apt-get install openssl'; fi
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$chromium" ]; then found Chromium "$chromium, for the tests of the live page"
else absent Chromium 'for the tests of the live page: apt-get install chromium'; fi

echo 'built so far'
if [ -f build/native/Release/sluice.node ]; then found addon build/native/Release/sluice.node
else absent addon 'make native'; fi
if [ -f dist/server/main.js ]; then found server dist/server/main.js; else absent server 'make setup'; fi
for model in centerface reid; do
  if [ -f "model-repo/$model/1/model.onnx" ]; then found "$model" "model-repo/$model/1/model.onnx"
  else absent "$model" "node dist/server/main.js models pull $model"; fi
done

# Nothing here is needed: what is missing decides that models are served on the CPU.
echo 'to serve on NVIDIA GPUs'
gpus=$(nvidia-smi --query-gpu=name,memory.total,compute_cap --format=csv,noheader 2>/dev/null)
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)
if [ -n "$driver" ]; then found 'NVIDIA driver' "$driver"
elif [ -e /dev/nvidiactl ]; then absent 'NVIDIA driver' 'nvidia-smi does not answer: run it to see why, or start the container with --gpus all'
else absent 'NVIDIA driver' 'install it, or start the container with --gpus all; without a GPU Sluice serves on the CPU'; fi
if [ -n "$gpus" ]; then while read -r gpu; do found GPU "$gpu"; done <<<"$gpus"
else absent GPU 'nvidia-smi shows none'; fi

# library NAME: the newest lib of that name that the loader finds, or that lies where TensorRT or CUDA was unpacked.
library() {
  local directory
  { IFS=:; for directory in ${LD_LIBRARY_PATH:-}; do ls -d "${directory:-.}/lib$1".so.[0-9]*; done
    unset IFS
    ldconfig -p | sed -n "s/.* => \(.*\/lib$1\.so\.[0-9.]*\)$/\1/p"
    ls -d "${TENSORRT_ROOT:-/usr/local/tensorrt}/lib/lib$1".so.[0-9]* "${cuda:-/usr/local/cuda}/lib64/lib$1".so.[0-9]*
  } 2>/dev/null | head -n 1
}
# As native/cmake/gpu.cmake looks for them.
nvcc=${CUDACXX:-$(command -v nvcc || ls "${CUDA_PATH:-${CUDA_HOME:-/usr/local/cuda}}/bin/nvcc" 2>/dev/null)}
cuda_version=$("${nvcc:-false}" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
cuda=${nvcc%/bin/nvcc}
case "$cuda_version" in
  '') absent CUDA 'to build: install the CUDA toolkit 12 or 13, or set CUDACXX to its nvcc' ;;
  [0-9].*|1[01].*) absent CUDA "$cuda_version at $nvcc is too old; install the CUDA toolkit 12 or 13" ;;
  *) found CUDA "$cuda_version at $nvcc" ;;
esac
nvjpeg=$(library nvjpeg)
if [ -n "$nvjpeg" ]; then found nvJPEG "$nvjpeg"
else absent nvJPEG 'libnvjpeg.so comes with the CUDA toolkit: install it, or put its folder on LD_LIBRARY_PATH'; fi
header=$(find "${TENSORRT_ROOT:-/usr/local/tensorrt}" /usr/local/tensorrt /usr/include -maxdepth 3 -name NvInfer.h 2>/dev/null | head -n 1)
if [ -n "$header" ]; then
  number() { sed -nE "s/^#define (NV_TENSORRT_$1|TRT_$1_ENTERPRISE) ([0-9]+).*/\2/p" "${header%/*}/NvInferVersion.h" | head -n 1; }
  found 'TensorRT headers' "$(number MAJOR).$(number MINOR) at ${header%/*}"
else absent 'TensorRT headers' 'to build: install TensorRT 10 and set TENSORRT_ROOT to its directory'; fi
for name in nvinfer nvonnxparser; do
  file=$(library "$name")
  if [ -n "$file" ]; then found "lib$name" "$file"
  else absent "lib$name" 'to run: install TensorRT 10, or put the folder of its libraries on LD_LIBRARY_PATH'; fi
done
addon=build/native/Release/sluice_gpu.node
if [ ! -f "$addon" ]; then
  if [ -n "$cuda_version" ] && [ -n "$header" ]; then absent 'GPU addon' 'rm -r build/native && make native'
  else absent 'GPU addon' 'make native builds it where it finds CUDA and the headers of TensorRT'; fi
elif why=$(node -e 'require(process.argv[1])' "$PWD/$addon" 2>&1); then found 'GPU addon' "$addon"
else absent 'GPU addon' "$addon does not load: $(grep -m 1 '^Error' <<<"$why")"; fi

exit "$missing"
