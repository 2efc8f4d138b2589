#pragma once

/** Marks an inline function of plain arithmetic as one that kernels call too, so that both sides compute the same. */
#ifdef __CUDACC__
#define SLUICE_HOST_DEVICE __host__ __device__
#else
#define SLUICE_HOST_DEVICE
#endif

/** Before a loop whose indices kernels must know when they are compiled. */
#ifdef __CUDA_ARCH__
#define SLUICE_UNROLL _Pragma("unroll")
#else
#define SLUICE_UNROLL
#endif

namespace sluice {

/** Reads what nothing writes meanwhile: a kernel need not read it again, whatever it writes. */
template <typename T>
SLUICE_HOST_DEVICE inline T Load(const T* value) {
#ifdef __CUDA_ARCH__
  return __ldg(value);
#else
  return *value;
#endif
}

}  // namespace sluice
