#pragma once

#include <cuda_runtime_api.h>

#include "params/error.h"

namespace sluice::cuda {

/** Throws an Error when `status` is one: out of memory, a lost device, no device, or a fault of ours. */
void Check(cudaError_t status, const char* what);

/** For destructors and other places that must not throw. Tells the log of anything but the end of the process. */
void CheckQuietly(cudaError_t status, const char* what) noexcept;

/** Whether an error has spoilt the context of the process for good. */
bool IsSticky(cudaError_t status);

}  // namespace sluice::cuda

/** Runs a CUDA call and throws when it fails. */
#define SLUICE_CUDA(call) ::sluice::cuda::Check((call), #call)
