#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/graph.h"
#include "cuda/stream.h"
#include "tensorrt/engine.h"
#include "tensorrt/lane_pool.h"

namespace sluice::tensorrt {

/**
 * One execution at a time of rows of one size: a context for each profile, the activation memory that they share, the
 * input and output tensors, and the CUDA graphs that refer to all of these. A lane of a LanePool.
 */
class ExecutionLane {
 public:
  struct Spec {
    std::int32_t max_batch;
    /** CHW of the one input with pictures, or the most tokens that each input of a model has that reads texts. */
    std::vector<std::int64_t> row_shape;
    bool cuda_graphs;

    std::string Key() const;
  };

  /** Takes memory for `max_batch` rows of `row_shape`. Throws Error. The current device is the engine's. */
  ExecutionLane(std::shared_ptr<Engine> engine, const Spec& spec);

  std::mutex& mutex() { return mutex_; }
  cuda::Event& free() { return free_; }

  /** Where the rows go: device memory, max_batch x row. */
  float* input() const { return inputs_.front().as<float>(); }
  /** Of each input, where there are several. */
  const std::vector<TensorInfo>& input_tensors() const { return engine_->inputs(); }
  void* input_memory(std::size_t index) const { return inputs_[index].as<void>(); }
  const std::vector<TensorInfo>& output_tensors() const { return engine_->outputs(); }
  /** Of texts: how many tokens the rows of the next executions have. */
  void SetRowLength(std::int64_t length);
  std::size_t outputs() const { return outputs_.size(); }
  const std::string& OutputName(std::size_t index) const { return engine_->outputs()[index].name; }
  /** Where output `index` is: device memory. */
  const float* output(std::size_t index) const { return outputs_[index].as<float>(); }
  float* mutable_output(std::size_t index) { return outputs_[index].as<float>(); }
  /** Device memory that only grows, for what follows the outputs. */
  cuda::DeviceBuffer& scratch() { return scratch_; }

  /** Enqueues the execution of the first `batch` rows of the input. Throws Error. */
  void Enqueue(std::int32_t batch, cudaStream_t stream);

  /** Shape of an output, of `batch` rows. */
  std::vector<std::int64_t> OutputShape(std::size_t index, std::int32_t batch);

  // The same for requests for tensors, as a TensorLane has it.

  /** What the next Enqueue runs on. Throws Error kInvalidRequest where these are no rows of the lane. */
  void SetInputShapes(const std::vector<std::vector<std::int64_t>>& shapes);
  void Enqueue(cudaStream_t stream) { Enqueue(rows_, stream); }
  std::vector<std::int64_t> OutputShape(std::size_t index) { return OutputShape(index, rows_); }
  const void* output_memory(std::size_t index) const { return outputs_[index].as<void>(); }

  /** Why there are no graphs although they were asked for; empty otherwise. */
  const std::string& graph_refusal() const { return graph_refusal_; }

 private:
  void CheckTensors() const;
  nvinfer1::IExecutionContext& ContextFor(std::int32_t batch);
  std::vector<std::int64_t> InputShape(std::int32_t batch) const;

  std::mutex mutex_;
  // The engine first: contexts must go before it.
  std::shared_ptr<Engine> engine_;
  std::int32_t max_batch_;
  /** As they are now, and at their largest: only those have graphs. */
  std::vector<std::int64_t> row_shape_;
  const std::vector<std::int64_t> most_row_shape_;
  cuda::DeviceBuffer activations_;
  std::vector<cuda::DeviceBuffer> inputs_;
  std::vector<cuda::DeviceBuffer> outputs_;
  cuda::DeviceBuffer scratch_;
  cuda::Event free_{cuda::Event::Use::kWaiting};
  /** One a profile. */
  std::vector<std::unique_ptr<nvinfer1::IExecutionContext>> contexts_;
  /** The batch whose shape the context of each profile is set to. */
  std::vector<std::int32_t> shaped_;
  bool cuda_graphs_;
  /** By batch size. */
  std::vector<cuda::Graph> graphs_;
  /** By batch size: runs without a graph so far; the first one lets TensorRT settle, the second is captured. */
  std::vector<bool> seen_;
  std::string graph_refusal_;
  /** Rows of the request for tensors. */
  std::int32_t rows_ = 0;
};

using ExecutionPool = LanePool<ExecutionLane>;

}  // namespace sluice::tensorrt
