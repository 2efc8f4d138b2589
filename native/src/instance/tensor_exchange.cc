#include "instance/tensor_exchange.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "params/check.h"
#include "tensorrt/data_type.h"

namespace sluice {
namespace {

/** The memory of tensor `index`. */
cuda::PinnedBuffer& BufferAt(std::vector<cuda::PinnedBuffer>& buffers, std::size_t index) {
  while (buffers.size() <= index) buffers.emplace_back();
  return buffers[index];
}

}  // namespace

std::vector<const TensorView*> TensorExchange::Ordered(const TensorBatch& batch,
                                                       const std::vector<tensorrt::TensorInfo>& inputs) {
  std::vector<const TensorView*> ordered;
  for (const tensorrt::TensorInfo& info : inputs) {
    const auto found = std::find_if(batch.inputs.begin(), batch.inputs.end(),
                                    [&info](const TensorView& tensor) { return tensor.name == info.name; });
    if (found == batch.inputs.end()) Refuse("batch.inputs lacks ", info.name);
    for (const std::int64_t size : found->shape) {
      if (size < 0) Refuse("batch.inputs: the shape of ", info.name, " has a size of ", size);
    }
    const std::size_t expected = tensorrt::VolumeOf(found->shape) * tensorrt::BytesOf(info.type);
    if (found->bytes != expected) {
      Refuse("batch.inputs: ", info.name, " has ", found->bytes, " bytes; it must have ", expected);
    }
    ordered.push_back(&*found);
  }
  return ordered;
}

void TensorExchange::Upload(std::size_t input, const TensorView& tensor, void* memory, cudaStream_t stream) {
  if (tensor.bytes == 0) return;
  char* staged = BufferAt(inputs_, input).Room<char>(tensor.bytes);
  std::memcpy(staged, tensor.data, tensor.bytes);
  SLUICE_CUDA(cudaMemcpyAsync(memory, staged, tensor.bytes, cudaMemcpyHostToDevice, stream));
}

FoundTensor TensorExchange::Download(std::size_t output, const tensorrt::TensorInfo& info,
                                     std::vector<std::int64_t> shape, const void* memory, cudaStream_t stream) {
  const std::size_t bytes = tensorrt::VolumeOf(shape) * tensorrt::BytesOf(info.type);
  char* staged = BufferAt(outputs_, output).Room<char>(bytes);
  if (bytes > 0) SLUICE_CUDA(cudaMemcpyAsync(staged, memory, bytes, cudaMemcpyDeviceToHost, stream));
  return {info.name, info.type, std::move(shape), staged, bytes};
}

bool TensorExchange::Wants(const TensorBatch& batch, const std::string& name) {
  if (!batch.outputs) return true;
  return std::find(batch.outputs->begin(), batch.outputs->end(), name) != batch.outputs->end();
}

}  // namespace sluice
