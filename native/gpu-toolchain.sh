#!/usr/bin/env bash
# `make native-gpu-check`'s tools: brings what the GPU sources are compiled with, so that a machine without a GPU can
# check them. What is there already is kept. Nothing here can run a model: TensorRT's libraries and the driver are missing.
#   native/gpu-toolchain.sh DIRECTORY
# leaves DIRECTORY/cuda, a CUDA toolkit, and DIRECTORY/tensorrt-VERSION/include for each version below.
set -euo pipefail
if [ $# -ne 1 ]; then echo "usage: $0 DIRECTORY" >&2; exit 2; fi
mkdir -p "$1"
directory=$(cd "$1" && pwd)

CUDA=13.0
# NVIDIA's wheels. nvcc needs nvvm, crt and cccl; the sources need the other three.
CUDA_WHEELS=(nvidia-cuda-nvcc nvidia-nvvm nvidia-cuda-crt nvidia-cuda-cccl nvidia-cuda-runtime nvidia-nvjpeg nvidia-nvml-dev)
# NVIDIA publishes TensorRT's headers (Apache 2.0) in no package of its own; the releases of this crate carry them.
HEADERS_CRATE=trtx-sys
# TensorRT's version and the release of the crate that has it: the last of the old interface, and the new one.
HEADERS=('10.16 0.4.0' '11.4 0.9.1')

fail() { echo "gpu toolchain: $1" >&2; exit 1; }

# What was begun and not finished must not look finished: everything is made here and moved.
work=$(mktemp -d "$directory/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT

nvcc_version() { "$1/bin/nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p'; }

# number FILE WORD: what a header defines the macro as. 11.x and late 10.x define NV_TENSORRT_MAJOR by another macro.
number() { sed -nE "s/^#define (NV_TENSORRT_$2|TRT_$2_ENTERPRISE) ([0-9]+).*/\2/p" "$1" | head -n 1; }
tensorrt_version() {
  local file=$1/NvInferVersion.h
  if [ -f "$file" ]; then echo "$(number "$file" MAJOR).$(number "$file" MINOR)"; fi
}

if [ "$(nvcc_version "$directory/cuda")" != "$CUDA" ]; then
  "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --only-binary=:all: --target "$work/wheels" "${CUDA_WHEELS[@]/%/==$CUDA.*}" ||
    fail "pip cannot bring CUDA $CUDA"
  cuda=$(echo "$work"/wheels/nvidia/cu*)
  # The wheels leave out what a development package adds: the folder that nvcc links from, and names without a version.
  ln -s lib "$cuda/lib64"
  for library in "$cuda"/lib/lib*.so.*; do ln -sf "$(basename "$library")" "${library%%.so.*}.so"; done
  found=$(nvcc_version "$cuda")
  [ "$found" = "$CUDA" ] || fail "the wheels of CUDA $CUDA have nvcc ${found:-that does not start}"
  rm -rf "$directory/cuda"
  mv "$cuda" "$directory/cuda"
fi

versions=
for headers in "${HEADERS[@]}"; do
  read -r version release <<<"$headers"
  include=$directory/tensorrt-$version/include
  if [ "$(tensorrt_version "$include")" != "$version" ]; then
    # The one command of cargo that brings a crate without all that it depends on.
    cargo info --quiet "$HEADERS_CRATE@$release" >/dev/null 2>"$work/cargo.log" ||
      fail "cargo cannot bring the crate $HEADERS_CRATE $release: $(tail -n 1 "$work/cargo.log")"
    source=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$HEADERS_CRATE-$release"*/TensorRT-Headers/TRT-Enterprise-"$version")
    source=${source%% *}
    found=$(tensorrt_version "$source")
    [ "$found" = "$version" ] || fail "the crate $HEADERS_CRATE $release has TensorRT ${found:-headers nowhere}, not $version"
    mkdir "$work/tensorrt-$version"
    cp -r "$source" "$work/tensorrt-$version/include"
    rm -rf "$directory/tensorrt-$version"
    mv "$work/tensorrt-$version" "$directory/tensorrt-$version"
  fi
  versions+="${versions:+ and }$version"
done

echo "gpu toolchain: nvcc $CUDA and TensorRT's headers $versions in $1"
