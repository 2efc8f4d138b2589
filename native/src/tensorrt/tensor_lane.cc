#include "tensorrt/tensor_lane.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/data_type.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

void CheckTensor(const char* kind, const TensorInfo& tensor) {
  const std::string name = std::string(kind) + " " + tensor.name;
  if (tensor.on_host) {
    throw Error(ErrorCode::kModelInvalid, name + " tells sizes of other tensors, which TensorRT keeps on the host");
  }
  if (NameOf(tensor.type) != nullptr) return;
  throw Error(ErrorCode::kModelInvalid, name + " is of a type that requests for tensors have not");
}

}  // namespace

TensorLane::TensorLane(std::shared_ptr<Engine> engine, const Spec&) : engine_(std::move(engine)) {
  CheckTensors();
  const cuda::Stream stream;
  activations_.Room<char>(std::max<std::size_t>(engine_->ActivationBytes(), 1));
  for (int profile = 0; profile < engine_->profiles(); profile++) {
    contexts_.push_back(engine_->CreateContext(profile, stream.get()));
    UseActivationMemory(*contexts_.back(), activations_.as<char>(), activations_.capacity());
  }
  stream.Synchronize();
  for (std::size_t i = 0; i < engine_->inputs().size(); i++) inputs_.emplace_back();
  for (std::size_t i = 0; i < engine_->outputs().size(); i++) outputs_.push_back(std::make_unique<OutputPlace>(free_));
}

void TensorLane::SetInputShapes(const std::vector<std::vector<std::int64_t>>& shapes) {
  if (context_ != nullptr && shapes == shapes_) return;
  context_ = nullptr;
  const auto profile = static_cast<std::size_t>(engine_->ProfileForAll(shapes));
  if (profile >= contexts_.size()) RefuseShapes(shapes);
  nvinfer1::IExecutionContext& context = *contexts_[profile];
  for (std::size_t i = 0; i < shapes.size(); i++) {
    const TensorInfo& input = engine_->inputs()[i];
    if (!IsOpen(input.shape) || context.setInputShape(input.name.c_str(), DimsOf(shapes[i]))) continue;
    Fail("the plan refuses input " + input.name + " of " + ShapeText(shapes[i]));
  }
  PlaceTensors(context, shapes);
  shapes_ = shapes;
  context_ = &context;
}

/** Memory may have moved since the context was last used. */
void TensorLane::PlaceTensors(nvinfer1::IExecutionContext& context,
                              const std::vector<std::vector<std::int64_t>>& shapes) {
  bool set = true;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    const TensorInfo& input = engine_->inputs()[i];
    void* memory = GrowAfter(free_, inputs_[i], VolumeOf(shapes[i]) * BytesOf(input.type));
    set = set && context.setTensorAddress(input.name.c_str(), memory);
  }
  for (std::size_t i = 0; i < outputs_.size(); i++) {
    const TensorInfo& output = engine_->outputs()[i];
    const nvinfer1::Dims dims = context.getTensorShape(output.name.c_str());
    if (dims.nbDims < 0) Fail("the shape of output " + output.name + " is not known");
    if (const std::optional<std::vector<std::int64_t>> shape = KnownShape(dims)) {
      void* memory = outputs_[i]->Room(*shape, VolumeOf(*shape) * BytesOf(output.type));
      set = set && context.setTensorAddress(output.name.c_str(), memory);
    } else {
      outputs_[i]->Expect();
      set = set && context.setOutputAllocator(output.name.c_str(), outputs_[i].get());
    }
  }
  if (!set) Fail("the tensors of the plan cannot be given memory");
}

void TensorLane::Enqueue(cudaStream_t stream) {
  if (context_->enqueueV3(stream)) return;
  // The context may be in any state.
  context_ = nullptr;
  for (const auto& output : outputs_) output->RethrowError();
  Fail("the model failed to run");
}

std::vector<std::int64_t> TensorLane::OutputShape(std::size_t index) const {
  if (const auto& shape = outputs_[index]->shape()) return *shape;
  throw Error(ErrorCode::kInternal, "TensorRT has not told the shape of output " + engine_->outputs()[index].name);
}

void TensorLane::CheckTensors() const {
  for (const TensorInfo& input : engine_->inputs()) CheckTensor("input", input);
  for (const TensorInfo& output : engine_->outputs()) CheckTensor("output", output);
}

void TensorLane::RefuseShapes(const std::vector<std::vector<std::int64_t>>& shapes) const {
  std::string text;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    const std::string& name = engine_->inputs()[i].name;
    if (i > 0) text += "; ";
    text += "input " + name + " is " + ShapeText(shapes[i]) + ", and the plan takes " + engine_->Range(i);
  }
  throw Error(ErrorCode::kInvalidRequest, text + ": tensorrt.profiles says what it is built for");
}

}  // namespace sluice::tensorrt
