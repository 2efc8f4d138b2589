#include "tensorrt/execution_lane.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/data_type.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

/** Dimensions of a row of tokens. */
constexpr std::size_t kTextRank = 1;

void RequireFloat(const TensorInfo& tensor, const char* kind) {
  if (tensor.type == nvinfer1::DataType::kFLOAT) return;
  throw Error(ErrorCode::kModelInvalid, std::string(kind) + " " + tensor.name + " is not float32; a vision task needs it");
}

void RequireTokens(const TensorInfo& tensor) {
  if (BytesOfWholeNumber(tensor.type) > 0) return;
  throw Error(ErrorCode::kModelInvalid,
              "input " + tensor.name + " is no tensor of whole numbers; a task that reads texts needs it");
}

}  // namespace

std::string ExecutionLane::Spec::Key() const {
  return std::to_string(max_batch) + 'x' + ShapeText(row_shape) + (cuda_graphs ? "g" : "");
}

ExecutionLane::ExecutionLane(std::shared_ptr<Engine> engine, const Spec& spec)
    : engine_(std::move(engine)),
      max_batch_(spec.max_batch),
      row_shape_(spec.row_shape),
      most_row_shape_(spec.row_shape),
      cuda_graphs_(spec.cuda_graphs),
      graphs_(static_cast<std::size_t>(spec.max_batch) + 1),
      seen_(static_cast<std::size_t>(spec.max_batch) + 1) {
  CheckTensors();
  for (std::int32_t batch : {std::int32_t{1}, max_batch_}) {
    if (engine_->ProfileFor(InputShape(batch)) >= 0) continue;
    throw Error(ErrorCode::kModelInvalid, "the plan takes " + engine_->Range() + ", not " + ShapeText(InputShape(batch)) +
                                              "; build it for max_batch_size and input of the configuration");
  }
  const cuda::Stream stream;
  activations_.Room<char>(std::max<std::size_t>(engine_->ActivationBytes(), 1));
  for (const TensorInfo& input : engine_->inputs()) {
    inputs_.emplace_back();
    inputs_.back().Room<char>(VolumeOf(InputShape(max_batch_)) * BytesOf(input.type));
  }
  for (int profile = 0; profile < engine_->profiles(); profile++) {
    contexts_.push_back(engine_->CreateContext(profile, stream.get()));
    UseActivationMemory(*contexts_.back(), activations_.as<char>(), activations_.capacity());
    shaped_.push_back(0);
  }
  stream.Synchronize();
  for (std::size_t i = 0; i < engine_->outputs().size(); i++) {
    outputs_.emplace_back();
    outputs_.back().Room<float>(std::max<std::size_t>(VolumeOf(OutputShape(i, max_batch_)), 1));
  }
  for (const auto& context : contexts_) {
    bool set = true;
    for (std::size_t i = 0; i < inputs_.size(); i++) {
      set = set && context->setTensorAddress(engine_->inputs()[i].name.c_str(), input_memory(i));
    }
    for (std::size_t i = 0; i < outputs_.size(); i++) {
      set = set && context->setTensorAddress(engine_->outputs()[i].name.c_str(), mutable_output(i));
    }
    if (!set) Fail("the tensors of the plan cannot be given memory");
  }
}

void ExecutionLane::Enqueue(std::int32_t batch, cudaStream_t stream) {
  const auto slot = static_cast<std::size_t>(batch);
  const bool full = row_shape_ == most_row_shape_;
  if (full && graphs_[slot]) return graphs_[slot].Launch(stream);
  nvinfer1::IExecutionContext& context = ContextFor(batch);
  if (cuda_graphs_ && full && seen_[slot] && graph_refusal_.empty()) {
    auto [captured, graph] =
        cuda::Graph::Capture(stream, [&context](cudaStream_t capturing) { return context.enqueueV3(capturing); });
    if (captured) {
      graphs_[slot] = std::move(graph);
      return graphs_[slot].Launch(stream);
    }
    graph_refusal_ = Logger::Instance().TakeErrors();
    if (graph_refusal_.empty()) graph_refusal_ = "the execution cannot be captured";
  }
  if (!context.enqueueV3(stream)) Fail("the model failed to run");
  seen_[slot] = full || seen_[slot];
}

void ExecutionLane::SetRowLength(std::int64_t length) {
  if (row_shape_.front() == length) return;
  row_shape_.front() = length;
  std::fill(shaped_.begin(), shaped_.end(), 0);
}

void ExecutionLane::SetInputShapes(const std::vector<std::vector<std::int64_t>>& shapes) {
  const bool text = most_row_shape_.size() == kTextRank;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    const std::vector<std::int64_t>& shape = shapes[i];
    bool fits = shape.size() == most_row_shape_.size() + 1 && shape == shapes.front() && 1 <= shape.front() &&
                shape.front() <= max_batch_;
    for (std::size_t axis = 1; fits && axis < shape.size(); axis++) {
      const std::int64_t most = most_row_shape_[axis - 1];
      fits = shape[axis] == most || (text && 1 <= shape[axis] && shape[axis] < most);
    }
    if (fits) continue;
    throw Error(ErrorCode::kInvalidRequest,
                "input " + engine_->inputs()[i].name + " is " + ShapeText(shape) + "; on the GPU the model takes 1 to " +
                    std::to_string(max_batch_) + " rows of " + (text ? "up to " : "") + ShapeText(most_row_shape_) +
                    (text ? ", equally long in all inputs" : ""));
  }
  if (text) SetRowLength(shapes.front()[1]);
  rows_ = static_cast<std::int32_t>(shapes.front().front());
}

void ExecutionLane::CheckTensors() const {
  const std::vector<TensorInfo>& inputs = engine_->inputs();
  if (row_shape_.size() == kTextRank) {
    for (const TensorInfo& input : inputs) RequireTokens(input);
  } else {
    if (inputs.size() != 1) {
      throw Error(ErrorCode::kModelInvalid,
                  "the plan has " + std::to_string(inputs.size()) + " inputs; a vision task needs one");
    }
    RequireFloat(inputs.front(), "input");
  }
  for (const TensorInfo& output : engine_->outputs()) RequireFloat(output, "output");
}

std::vector<std::int64_t> ExecutionLane::OutputShape(std::size_t index, std::int32_t batch) {
  const std::string& name = engine_->outputs()[index].name;
  const std::optional<std::vector<std::int64_t>> shape = KnownShape(ContextFor(batch).getTensorShape(name.c_str()));
  if (!shape) {
    // A context without memory for its kernels says so in the log alone, and knows no shape from then on.
    if (Logger::Instance().HasErrors()) Fail("the shape of output " + name + " is not known");
    throw Error(ErrorCode::kModelInvalid,
                "output " + name + " has a shape that depends on the data, which a vision task cannot take");
  }
  return *shape;
}

nvinfer1::IExecutionContext& ExecutionLane::ContextFor(std::int32_t batch) {
  const auto profile = static_cast<std::size_t>(engine_->ProfileFor(InputShape(batch)));
  if (profile >= contexts_.size()) {
    throw Error(ErrorCode::kInternal, "no profile takes a batch of " + std::to_string(batch));
  }
  nvinfer1::IExecutionContext& context = *contexts_[profile];
  if (shaped_[profile] != batch) {
    for (const TensorInfo& input : engine_->inputs()) {
      if (context.setInputShape(input.name.c_str(), DimsOf(InputShape(batch)))) continue;
      Fail("the plan refuses an input of " + ShapeText(InputShape(batch)));
    }
    shaped_[profile] = batch;
  }
  return context;
}

std::vector<std::int64_t> ExecutionLane::InputShape(std::int32_t batch) const {
  std::vector<std::int64_t> shape{batch};
  shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
  return shape;
}

}  // namespace sluice::tensorrt
