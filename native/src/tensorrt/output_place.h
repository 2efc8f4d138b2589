#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"

namespace sluice::tensorrt {

/**
 * Device memory of one output, which only grows. Where the shape depends on the data, TensorRT asks for it while it
 * enqueues, and tells the shape before that returns. Used by the one thread that holds the lane.
 */
class OutputPlace final : public nvinfer1::IOutputAllocator {
 public:
  /** `free`: what has to pass before the memory of earlier executions may go. Outlives this. */
  explicit OutputPlace(const cuda::Event& free) : free_(free) {}
  OutputPlace(const OutputPlace&) = delete;
  OutputPlace& operator=(const OutputPlace&) = delete;

  /** Memory for an output of a shape that is known. Throws Error. */
  void* Room(const std::vector<std::int64_t>& shape, std::size_t bytes);
  /** The shape is to be told by the next execution. */
  void Expect();
  void* memory() const { return memory_.as<void>(); }
  const std::optional<std::vector<std::int64_t>>& shape() const { return shape_; }
  /** Throws why there was no memory, if that is why an execution failed. */
  void RethrowError() const;

  // What TensorRT's interface asks for. Versions from 10 on call it by way of reallocateOutputAsync.
  void* reallocateOutput(const char* name, void* current, std::uint64_t bytes, std::uint64_t alignment) noexcept override;
  void notifyShape(const char* name, const nvinfer1::Dims& dims) noexcept override;

 private:
  const cuda::Event& free_;
  cuda::DeviceBuffer memory_;
  std::optional<std::vector<std::int64_t>> shape_;
  std::exception_ptr error_;
};

/** Memory of at least `bytes` in a buffer that earlier executions may use until `free` has passed; never null. */
void* GrowAfter(const cuda::Event& free, cuda::DeviceBuffer& buffer, std::size_t bytes);

}  // namespace sluice::tensorrt
