#include "cuda/shared_memory.h"

#include <string>

#include "cuda/check.h"
#include "cuda/device.h"
#include "cuda/driver.h"
#include "params/check.h"

namespace sluice::cuda {
namespace {

std::string NameOf(int device) { return "GPU " + std::to_string(device); }

/** Bytes from `memory` to the end of its allocation. */
std::size_t BytesFrom(const unsigned char* memory) {
  using GetRange = int(unsigned long long* base, std::size_t* bytes, unsigned long long memory);
  static GetRange* const get_range = DriverFunction<GetRange>("cuMemGetAddressRange_v2");
  const auto address = reinterpret_cast<unsigned long long>(memory);
  unsigned long long base = 0;
  std::size_t bytes = 0;
  if (get_range == nullptr || get_range(&base, &bytes, address) != 0 || address < base || address - base > bytes) {
    throw Error(ErrorCode::kInternal, "the driver does not tell how large the memory of another process is");
  }
  return bytes - (address - base);
}

void RequireDevice(const SharedAllocation& allocation) {
  cudaPointerAttributes attributes;
  SLUICE_CUDA(cudaPointerGetAttributes(&attributes, allocation.data()));
  if (attributes.device == allocation.device()) return;
  throw Error(ErrorCode::kInvalidRequest, "the memory is not on " + NameOf(allocation.device()) + " but on " +
                                              NameOf(attributes.device) + ", as the server counts them");
}

void RequireBytes(const SharedAllocation& allocation, std::size_t bytes) {
  const std::size_t there = BytesFrom(allocation.data());
  if (bytes <= there) return;
  throw Error(ErrorCode::kInvalidRequest, "the allocation has " + std::to_string(there) + " bytes, and " +
                                              std::to_string(bytes) + " are told of it");
}

Stream StreamOf(const SharedAllocation& allocation) {
  const DeviceScope scope(allocation.device());
  return Stream();
}

}  // namespace

SharedAllocation::SharedAllocation(const cudaIpcMemHandle_t& handle, int device) : device_(device) {
  const DeviceScope scope(device_);
  const cudaError_t status = cudaIpcOpenMemHandle(&memory_, handle, cudaIpcMemLazyEnablePeerAccess);
  if (status == cudaSuccess) return;
  if (IsSticky(status) || status == cudaErrorMemoryAllocation) Check(status, "cudaIpcOpenMemHandle");
  // As in Check: the next call must not be blamed for this one.
  cudaGetLastError();
  if (status == cudaErrorNotSupported) {
    throw Error(ErrorCode::kDeviceUnavailable, NameOf(device_) + " cannot share memory between processes (CUDA IPC)");
  }
  throw Error(ErrorCode::kInvalidRequest,
              "the handle cannot be opened on " + NameOf(device_) + " (" + cudaGetErrorName(status) +
                  "); it must be of memory from cudaMalloc that another process of this machine has not freed");
}

SharedAllocation::~SharedAllocation() {
  try {
    const DeviceScope scope(device_);
    CheckQuietly(cudaIpcCloseMemHandle(memory_), "cudaIpcCloseMemHandle");
  } catch (const Error&) {
    // The device is beyond use, and what was mapped there with it.
  }
}

SharedMemory::SharedMemory(const cudaIpcMemHandle_t& handle, int device, std::size_t bytes)
    : allocation_(handle, device), bytes_(bytes), stream_(StreamOf(allocation_)) {
  const DeviceScope scope(device);
  RequireDevice(allocation_);
  RequireBytes(allocation_, bytes);
}

void SharedMemory::Read(std::size_t from, void* out, std::size_t bytes) const {
  const unsigned char* data = At(from, bytes);
  if (bytes == 0) return;
  const DeviceScope scope(allocation_.device());
  SLUICE_CUDA(cudaMemcpyAsync(out, data, bytes, cudaMemcpyDeviceToHost, stream_.get()));
  stream_.Synchronize();
}

void SharedMemory::Write(std::size_t from, const void* data, std::size_t bytes) {
  unsigned char* out = At(from, bytes);
  if (bytes == 0) return;
  const DeviceScope scope(allocation_.device());
  SLUICE_CUDA(cudaMemcpyAsync(out, data, bytes, cudaMemcpyHostToDevice, stream_.get()));
  stream_.Synchronize();
}

unsigned char* SharedMemory::At(std::size_t from, std::size_t bytes) const {
  if (from > bytes_ || bytes > bytes_ - from) {
    Refuse("from: ", bytes, " bytes from ", from, " on are beyond the ", bytes_, " that are shared");
  }
  return allocation_.data() + from;
}

}  // namespace sluice::cuda
