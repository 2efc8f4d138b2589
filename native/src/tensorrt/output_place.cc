#include "tensorrt/output_place.h"

#include <algorithm>

#include "tensorrt/engine.h"

namespace sluice::tensorrt {

void* GrowAfter(const cuda::Event& free, cuda::DeviceBuffer& buffer, std::size_t bytes) {
  if (bytes > buffer.capacity()) free.Synchronize();
  // TensorRT wants an address even where there are no values.
  return buffer.Room<char>(std::max<std::size_t>(bytes, 1));
}

void* OutputPlace::Room(const std::vector<std::int64_t>& shape, std::size_t bytes) {
  shape_ = shape;
  return GrowAfter(free_, memory_, bytes);
}

void OutputPlace::Expect() {
  shape_.reset();
  error_ = nullptr;
}

void OutputPlace::RethrowError() const {
  if (error_) std::rethrow_exception(error_);
}

void* OutputPlace::reallocateOutput(const char*, void*, std::uint64_t bytes, std::uint64_t) noexcept try {
  // What cudaMalloc gives is aligned to more than any type asks for.
  return GrowAfter(free_, memory_, static_cast<std::size_t>(bytes));
} catch (...) {
  error_ = std::current_exception();
  return nullptr;
}

void OutputPlace::notifyShape(const char*, const nvinfer1::Dims& dims) noexcept try {
  shape_ = KnownShape(dims);
} catch (...) {
  error_ = std::current_exception();
}

}  // namespace sluice::tensorrt
