#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "cuda/stream.h"

namespace sluice::cuda {

/**
 * An allocation of another process, mapped into this one for as long as this is there (CUDA IPC). A handle stands for a
 * whole allocation, wherever in it the pointer was that it was made from. CUDA counts: the same handle may be mapped again
 * meanwhile, at the same address.
 */
class SharedAllocation {
 public:
  /** Throws Error kInvalidRequest where `handle` is none that this process can open on `device`. */
  SharedAllocation(const cudaIpcMemHandle_t& handle, int device);
  ~SharedAllocation();
  SharedAllocation(const SharedAllocation&) = delete;
  SharedAllocation& operator=(const SharedAllocation&) = delete;

  unsigned char* data() const { return static_cast<unsigned char*>(memory_); }
  int device() const { return device_; }

 private:
  const int device_;
  void* memory_ = nullptr;
};

/**
 * The first bytes of an allocation of another process, copied from and to the host on a stream of its own: nothing else on
 * the device is waited for. What the other process has on the device is its own to wait for, before it tells of it. One
 * call at a time, from any thread.
 */
class SharedMemory {
 public:
  /** Throws Error kInvalidRequest as SharedAllocation, and where the allocation is of another device or has fewer bytes. */
  SharedMemory(const cudaIpcMemHandle_t& handle, int device, std::size_t bytes);

  /** Copies to the host, and waits. Throws where the bytes end before. */
  void Read(std::size_t from, void* out, std::size_t bytes) const;
  /** Copies from the host, and waits. Throws where the bytes end before. */
  void Write(std::size_t from, const void* data, std::size_t bytes);

 private:
  unsigned char* At(std::size_t from, std::size_t bytes) const;

  const SharedAllocation allocation_;
  const std::size_t bytes_;
  const Stream stream_;
};

}  // namespace sluice::cuda
