#include <string>
#include <utility>

#include "api/shape.h"
#include "sluice/sluice.h"

namespace sluice {
namespace {

[[noreturn]] void Refuse(const std::string& what) { throw Error(ErrorCode::kInvalidRequest, what); }

}  // namespace

HostTensor::HostTensor(std::vector<std::int64_t> shape) : shape_(std::move(shape)), values_(NumberOfValues(shape_)) {}

HostTensor::HostTensor(std::vector<std::int64_t> shape, std::vector<float> values)
    : shape_(std::move(shape)), values_(std::move(values)) {
  const std::size_t needed = NumberOfValues(shape_);
  if (values_.size() == needed) return;
  Refuse("a tensor was given " + std::to_string(values_.size()) + " values; its shape has " + std::to_string(needed));
}

float* HostTensor::row(std::int64_t index) {
  return const_cast<float*>(static_cast<const HostTensor*>(this)->row(index));
}

const float* HostTensor::row(std::int64_t index) const {
  if (index < 0 || index >= rows()) {
    Refuse("row " + std::to_string(index) + " of a tensor with " + std::to_string(rows()) + " rows");
  }
  return values_.data() + numel() / static_cast<std::size_t>(rows()) * static_cast<std::size_t>(index);
}

float& HostTensor::at(std::initializer_list<std::int64_t> indices) { return values_[OffsetOf(indices)]; }

float HostTensor::at(std::initializer_list<std::int64_t> indices) const { return values_[OffsetOf(indices)]; }

std::size_t HostTensor::OffsetOf(std::initializer_list<std::int64_t> indices) const {
  if (indices.size() != shape_.size()) {
    Refuse(std::to_string(indices.size()) + " indices for a tensor of " + std::to_string(shape_.size()) +
           " dimensions");
  }
  std::size_t offset = 0;
  auto size = shape_.begin();
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= *size) {
      Refuse("index " + std::to_string(index) + " into a dimension of " + std::to_string(*size));
    }
    offset = offset * static_cast<std::size_t>(*size++) + static_cast<std::size_t>(index);
  }
  return offset;
}

}  // namespace sluice
