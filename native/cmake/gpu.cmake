# Looks for CUDA 12 or 13 and for TensorRT's headers, says what it found, and sets SLUICE_GPU. TensorRT's and NVML's
# libraries are loaded when they are first needed: a build takes their headers alone.

find_program(SLUICE_NVCC nvcc
  HINTS ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin
  PATHS /usr/local/cuda /usr/local/cuda-13.0 /usr/local/cuda-12.9)
if(DEFINED ENV{CUDACXX})
  # Kept: a build that configures itself anew has to find the same one.
  set(SLUICE_NVCC $ENV{CUDACXX} CACHE FILEPATH "nvcc" FORCE)
endif()
find_path(SLUICE_TENSORRT_INCLUDE NvInfer.h
  HINTS $ENV{TENSORRT_ROOT} PATH_SUFFIXES include include/x86_64-linux-gnu include/aarch64-linux-gnu
  PATHS /usr/local/tensorrt /usr/include/x86_64-linux-gnu /usr/include/aarch64-linux-gnu)

set(SLUICE_CUDA_VERSION 0)
if(SLUICE_NVCC)
  execute_process(COMMAND ${SLUICE_NVCC} --version OUTPUT_VARIABLE nvcc_words ERROR_QUIET)
  if(nvcc_words MATCHES "release ([0-9.]+)")
    set(SLUICE_CUDA_VERSION ${CMAKE_MATCH_1})
  endif()
endif()

# The version in TensorRT's headers. Late 10.x and 11.x define NV_TENSORRT_MAJOR by another macro.
set(SLUICE_TENSORRT_VERSION 0)
if(SLUICE_TENSORRT_INCLUDE)
  set(tensorrt_numbers)
  foreach(part MAJOR MINOR)
    file(STRINGS ${SLUICE_TENSORRT_INCLUDE}/NvInferVersion.h part_line LIMIT_COUNT 1
      REGEX "^#define (NV_TENSORRT_${part}|TRT_${part}_ENTERPRISE) [0-9]+")
    string(REGEX REPLACE "^#define [A-Z_]+ ([0-9]+).*" "\\1" part_number "${part_line}")
    list(APPEND tensorrt_numbers ${part_number})
  endforeach()
  list(JOIN tensorrt_numbers . SLUICE_TENSORRT_VERSION)
endif()

set(SLUICE_GPU OFF)
set(cpu_alone "the CPU operators alone are built")
if(NOT SLUICE_NVCC)
  set(gpu_line "no nvcc found; ${cpu_alone} (install CUDA 12 or 13, or set CUDACXX)")
elseif(SLUICE_CUDA_VERSION VERSION_LESS 12)
  set(gpu_line "CUDA ${SLUICE_CUDA_VERSION} at ${SLUICE_NVCC} is too old; ${cpu_alone} (install CUDA 12 or 13, or set CUDACXX)")
elseif(NOT SLUICE_TENSORRT_INCLUDE)
  set(gpu_line "CUDA ${SLUICE_CUDA_VERSION} at ${SLUICE_NVCC}, but no NvInfer.h found; ${cpu_alone} (set TENSORRT_ROOT)")
elseif(SLUICE_TENSORRT_VERSION VERSION_LESS 8.6)
  set(gpu_line
    "TensorRT ${SLUICE_TENSORRT_VERSION} at ${SLUICE_TENSORRT_INCLUDE} is too old; ${cpu_alone} (install TensorRT 10 and set TENSORRT_ROOT)")
else()
  set(SLUICE_GPU ON)
  set(gpu_line
    "built with CUDA ${SLUICE_CUDA_VERSION} at ${SLUICE_NVCC} and TensorRT ${SLUICE_TENSORRT_VERSION} at ${SLUICE_TENSORRT_INCLUDE}")
  set(CMAKE_CUDA_COMPILER ${SLUICE_NVCC})
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    # Turing to Hopper as machine code, and Hopper's as PTX for what comes after it.
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90)
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit 12 REQUIRED)
endif()
message(STATUS "GPU: ${gpu_line}")
# For `make native` and `make doctor`: cmake-js keeps what CMake says to itself.
file(WRITE ${CMAKE_BINARY_DIR}/gpu.txt "GPU: ${gpu_line}\n")
