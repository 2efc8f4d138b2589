#pragma once

#include <cstddef>
#include <utility>

#include "cuda/check.h"

namespace sluice::cuda {

/** Memory of the current device, with a few bytes more than are asked for, so that kernels may load whole words. */
struct DeviceSpace {
  static constexpr std::size_t kBeyond = 16;

  static void* Allocate(std::size_t bytes) {
    void* memory = nullptr;
    SLUICE_CUDA(cudaMalloc(&memory, bytes + kBeyond));
    return memory;
  }
  static void Free(void* memory) noexcept { CheckQuietly(cudaFree(memory), "cudaFree"); }
};

/** Page-locked memory of the host that copies are fast from and kernels can write to. */
struct PinnedSpace {
  static void* Allocate(std::size_t bytes) {
    void* memory = nullptr;
    SLUICE_CUDA(cudaHostAlloc(&memory, bytes, cudaHostAllocPortable | cudaHostAllocMapped));
    return memory;
  }
  static void Free(void* memory) noexcept { CheckQuietly(cudaFreeHost(memory), "cudaFreeHost"); }
};

/**
 * Memory that only grows, so that a steady load allocates nothing. Growing loses the content; the caller makes sure
 * that nothing on the device still uses it. Move-only.
 */
template <typename Space>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() {
    if (memory_ != nullptr) Space::Free(memory_);
  }

  void Swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
  }

  /** At least `count` values of T. */
  template <typename T>
  T* Room(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes > capacity_) {
      if (memory_ != nullptr) Space::Free(std::exchange(memory_, nullptr));
      capacity_ = 0;
      memory_ = Space::Allocate(bytes);
      capacity_ = bytes;
    }
    return static_cast<T*>(memory_);
  }

  template <typename T>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  std::size_t capacity() const { return capacity_; }

 private:
  void* memory_ = nullptr;
  std::size_t capacity_ = 0;
};

using DeviceBuffer = Buffer<DeviceSpace>;
using PinnedBuffer = Buffer<PinnedSpace>;

}  // namespace sluice::cuda
