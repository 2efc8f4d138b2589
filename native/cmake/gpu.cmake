# Looks for CUDA 12 or 13 and for TensorRT's headers, says what it found, and sets SLUICE_GPU. TensorRT's and NVML's
# libraries are loaded when they are first needed: a build takes their headers alone.

find_program(SLUICE_NVCC nvcc
  HINTS $ENV{CUDACXX} ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin
  PATHS /usr/local/cuda /usr/local/cuda-13.0 /usr/local/cuda-12.9)
if(DEFINED ENV{CUDACXX})
  set(SLUICE_NVCC $ENV{CUDACXX})
endif()
find_path(SLUICE_TENSORRT_INCLUDE NvInfer.h
  HINTS $ENV{TENSORRT_ROOT} PATH_SUFFIXES include include/x86_64-linux-gnu
  PATHS /usr/local/tensorrt /usr/include/x86_64-linux-gnu /usr/include/aarch64-linux-gnu)

set(SLUICE_GPU OFF)
if(NOT SLUICE_NVCC)
  message(STATUS "GPU: no nvcc found; the CPU operators alone are built (install CUDA 12 or 13, or set CUDACXX)")
elseif(NOT SLUICE_TENSORRT_INCLUDE)
  message(STATUS "GPU: CUDA at ${SLUICE_NVCC}, but no NvInfer.h found; the CPU operators alone are built (set TENSORRT_ROOT)")
else()
  set(CMAKE_CUDA_COMPILER ${SLUICE_NVCC})
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    # Turing to Hopper as machine code, and Hopper's as PTX for what comes after it.
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90)
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit 12 REQUIRED)
  set(SLUICE_GPU ON)
  file(STRINGS ${SLUICE_TENSORRT_INCLUDE}/NvInferVersion.h versions REGEX "^#define (NV|TRT)[A-Z_]*(MAJOR|MINOR)")
  message(STATUS "GPU: CUDA ${CUDAToolkit_VERSION} at ${SLUICE_NVCC}, TensorRT's headers at ${SLUICE_TENSORRT_INCLUDE}")
endif()
