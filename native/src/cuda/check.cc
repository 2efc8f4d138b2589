#include "cuda/check.h"

#include <cstdio>
#include <string>

namespace sluice::cuda {
namespace {

ErrorCode CodeOf(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return ErrorCode::kDeviceOutOfMemory;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInitializationError:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorSystemNotReady:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorDevicesUnavailable:
      return ErrorCode::kDeviceUnavailable;
    default:
      return IsSticky(status) ? ErrorCode::kDeviceLost : ErrorCode::kInternal;
  }
}

std::string Describe(cudaError_t status, const char* what) {
  return std::string(what) + " failed: " + cudaGetErrorName(status) + ", " + cudaGetErrorString(status);
}

}  // namespace

bool IsSticky(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
      return true;
    default:
      return false;
  }
}

void Check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  // The runtime keeps an error until it is read; the next call must not be blamed for this one.
  cudaGetLastError();
  throw Error(CodeOf(status), Describe(status, what));
}

void CheckQuietly(cudaError_t status, const char* what) noexcept {
  if (status == cudaSuccess || status == cudaErrorCudartUnloading) return;
  cudaGetLastError();
  std::fprintf(stderr, "sluice: %s\n", Describe(status, what).c_str());
}

}  // namespace sluice::cuda
