#include "api/engine_runner.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tensorrt/compat.h"
#include "tensorrt/logger.h"

namespace sluice {
namespace {

using tensorrt::DimsOf;
using tensorrt::Fail;
using tensorrt::ShapeText;

/** Buffers are free to be used again once nothing on the device refers to them, however a run has ended. */
class StreamDrain {
 public:
  explicit StreamDrain(const cuda::Stream& stream) : stream_(stream.get()) {}
  ~StreamDrain() { cuda::CheckQuietly(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }
  StreamDrain(const StreamDrain&) = delete;
  StreamDrain& operator=(const StreamDrain&) = delete;

 private:
  cudaStream_t stream_;
};

std::vector<TensorDescription> Describe(const std::vector<tensorrt::TensorInfo>& tensors, const char* kind) {
  std::vector<TensorDescription> descriptions;
  for (const tensorrt::TensorInfo& tensor : tensors) {
    if (tensor.type != nvinfer1::DataType::kFLOAT) {
      throw Error(ErrorCode::kModelInvalid, std::string(kind) + " \"" + tensor.name +
                                                "\" of the plan is not float32; cast it in the ONNX file");
    }
    descriptions.push_back({tensor.name, tensor.shape, {}});
  }
  return descriptions;
}

bool Within(const std::vector<std::int64_t>& shape, const TensorDescription::Range& range) {
  if (shape.size() != range.least.size() || shape.size() != range.most.size()) return false;
  for (std::size_t i = 0; i < shape.size(); i++) {
    if (shape[i] < range.least[i] || shape[i] > range.most[i]) return false;
  }
  return true;
}

std::string ListOfRanges(const TensorDescription& input) {
  std::string text;
  for (const TensorDescription::Range& range : input.profiles) {
    if (!text.empty()) text += ", ";
    text += ShapeText(range.least);
    if (range.most != range.least) text += " to " + ShapeText(range.most);
  }
  return text;
}

/** Memory for a tensor, which may have no values although TensorRT wants an address. */
template <typename Space>
float* RoomFor(cuda::Buffer<Space>& buffer, const HostTensor& tensor) {
  return buffer.template Room<float>(std::max<std::size_t>(tensor.numel(), 1));
}

}  // namespace

EngineRunner::EngineRunner(const tensorrt::EngineSource& source) : engine_(tensorrt::Engine::Load(source)) {
  inputs_ = Describe(engine_->inputs(), "input");
  outputs_ = Describe(engine_->outputs(), "output");
  activations_.Room<char>(std::max<std::size_t>(engine_->ActivationBytes(), 1));
  for (int profile = 0; profile < engine_->profiles(); profile++) {
    for (std::size_t i = 0; i < inputs_.size(); i++) {
      auto [least, most] = engine_->InputRange(i, profile);
      inputs_[i].profiles.push_back({std::move(least), std::move(most)});
    }
    contexts_.push_back({engine_->CreateContext(profile, stream_.get()), {}});
    tensorrt::UseActivationMemory(*contexts_.back().execution, activations_.as<char>(), activations_.capacity());
  }
  stream_.Synchronize();
  for (std::size_t i = 0; i < inputs_.size(); i++) input_places_.emplace_back();
  for (std::size_t i = 0; i < outputs_.size(); i++) output_places_.emplace_back();
}

std::int64_t EngineRunner::max_batch() const {
  std::int64_t most = 0;
  for (const TensorDescription::Range& range : inputs_.front().profiles) {
    most = std::max(most, range.most.empty() ? 1 : range.most.front());
  }
  return most;
}

std::size_t EngineRunner::memory_bytes() const {
  std::size_t bytes = engine_->weight_bytes() + activations_.capacity();
  for (const Place& place : input_places_) bytes += place.device.capacity();
  for (const Place& place : output_places_) bytes += place.device.capacity();
  return bytes;
}

std::vector<HostTensor> EngineRunner::Run(const std::vector<HostTensor>& inputs) {
  Context& context = ContextFor(inputs);
  nvinfer1::IExecutionContext& execution = *context.execution;
  std::vector<HostTensor> outputs = MakeOutputs(execution);

  const StreamDrain drain(stream_);
  EnqueueInputs(execution, inputs);
  for (std::size_t i = 0; i < outputs.size(); i++) {
    if (!execution.setTensorAddress(outputs_[i].name.c_str(), RoomFor(output_places_[i].device, outputs[i]))) {
      Fail("output \"" + outputs_[i].name + "\" of the plan cannot be given memory");
    }
    RoomFor(output_places_[i].host, outputs[i]);
  }
  if (!execution.enqueueV3(stream_.get())) Fail("the model failed to run");
  for (std::size_t i = 0; i < outputs.size(); i++) {
    SLUICE_CUDA(cudaMemcpyAsync(output_places_[i].host.as<float>(), output_places_[i].device.as<float>(),
                                outputs[i].numel() * sizeof(float), cudaMemcpyDeviceToHost, stream_.get()));
  }
  done_.Record(stream_.get());
  done_.Synchronize();
  for (std::size_t i = 0; i < outputs.size(); i++) {
    std::copy_n(output_places_[i].host.as<float>(), outputs[i].numel(), outputs[i].data());
  }
  return outputs;
}

EngineRunner::Context& EngineRunner::ContextFor(const std::vector<HostTensor>& inputs) {
  if (inputs.size() != inputs_.size()) {
    throw Error(ErrorCode::kInvalidRequest, "the plan has " + std::to_string(inputs_.size()) + " inputs, not " +
                                                std::to_string(inputs.size()));
  }
  std::size_t profile = 0;
  while (profile < contexts_.size() && !Fits(profile, inputs)) profile++;
  if (profile == contexts_.size()) RefuseShapes(inputs);
  Context& context = contexts_[profile];
  std::vector<std::vector<std::int64_t>> shapes;
  for (const HostTensor& input : inputs) shapes.push_back(input.shape());
  if (context.shapes == shapes) return context;
  // Until all of them are set.
  context.shapes.clear();
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!context.execution->setInputShape(inputs_[i].name.c_str(), DimsOf(shapes[i]))) {
      Fail("the plan refuses " + ShapeText(shapes[i]) + " for its input \"" + inputs_[i].name + "\"");
    }
  }
  context.shapes = std::move(shapes);
  return context;
}

bool EngineRunner::Fits(std::size_t profile, const std::vector<HostTensor>& inputs) const {
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!Within(inputs[i].shape(), inputs_[i].profiles[profile])) return false;
  }
  return true;
}

void EngineRunner::RefuseShapes(const std::vector<HostTensor>& inputs) const {
  std::string text = "no profile of the plan takes these inputs: ";
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (i > 0) text += "; ";
    text += "\"" + inputs_[i].name + "\" is " + ShapeText(inputs[i].shape()) + " and takes " + ListOfRanges(inputs_[i]);
  }
  throw Error(ErrorCode::kInvalidRequest, text);
}

void EngineRunner::EnqueueInputs(nvinfer1::IExecutionContext& context, const std::vector<HostTensor>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); i++) {
    float* const host = RoomFor(input_places_[i].host, inputs[i]);
    float* const device = RoomFor(input_places_[i].device, inputs[i]);
    if (!context.setTensorAddress(inputs_[i].name.c_str(), device)) {
      Fail("input \"" + inputs_[i].name + "\" of the plan cannot be given memory");
    }
    std::copy_n(inputs[i].data(), inputs[i].numel(), host);
    SLUICE_CUDA(
        cudaMemcpyAsync(device, host, inputs[i].numel() * sizeof(float), cudaMemcpyHostToDevice, stream_.get()));
  }
}

std::vector<HostTensor> EngineRunner::MakeOutputs(nvinfer1::IExecutionContext& context) {
  std::vector<HostTensor> outputs;
  for (const TensorDescription& output : outputs_) {
    std::optional<std::vector<std::int64_t>> shape = tensorrt::KnownShape(context.getTensorShape(output.name.c_str()));
    if (!shape) {
      throw Error(ErrorCode::kModelInvalid, "output \"" + output.name +
                                                "\" has a shape that depends on the data; export the model without it, "
                                                "as with a non-maximum suppression of a fixed number of boxes");
    }
    outputs.emplace_back(std::move(*shape));
  }
  return outputs;
}

}  // namespace sluice
