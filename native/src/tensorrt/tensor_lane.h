#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"
#include "tensorrt/engine.h"
#include "tensorrt/lane_pool.h"
#include "tensorrt/output_place.h"

namespace sluice::tensorrt {

/**
 * One execution at a time of tensors of any type, in any shape that the profiles take: a context for each profile, the
 * activation memory that they share, and device memory for each tensor that only grows. A lane of a LanePool. Without
 * CUDA graphs, which are of one shape and one address.
 */
class TensorLane {
 public:
  struct Spec {
    std::string Key() const { return "tensors"; }
  };

  /** Throws Error. The current device is the engine's. */
  TensorLane(std::shared_ptr<Engine> engine, const Spec& spec);

  std::mutex& mutex() { return mutex_; }
  cuda::Event& free() { return free_; }
  const std::vector<TensorInfo>& input_tensors() const { return engine_->inputs(); }
  const std::vector<TensorInfo>& output_tensors() const { return engine_->outputs(); }

  /** What the next Enqueue runs on, in the order of the plan. Throws Error kInvalidRequest where no profile takes it. */
  void SetInputShapes(const std::vector<std::vector<std::int64_t>>& shapes);
  /** Where an input of the shape that was set goes: device memory. */
  void* input_memory(std::size_t index) const { return inputs_[index].as<void>(); }
  /** Throws Error. */
  void Enqueue(cudaStream_t stream);
  /** Shape of an output of what was enqueued. */
  std::vector<std::int64_t> OutputShape(std::size_t index) const;
  /** Where it is: device memory. */
  const void* output_memory(std::size_t index) const { return outputs_[index]->memory(); }

 private:
  void CheckTensors() const;
  void RefuseShapes(const std::vector<std::vector<std::int64_t>>& shapes) const;
  void PlaceTensors(nvinfer1::IExecutionContext& context, const std::vector<std::vector<std::int64_t>>& shapes);

  std::mutex mutex_;
  // The engine first: contexts must go before it.
  std::shared_ptr<Engine> engine_;
  cuda::Event free_{cuda::Event::Use::kWaiting};
  cuda::DeviceBuffer activations_;
  std::vector<cuda::DeviceBuffer> inputs_;
  /** Contexts point to them. */
  std::vector<std::unique_ptr<OutputPlace>> outputs_;
  /** One a profile. */
  std::vector<std::unique_ptr<nvinfer1::IExecutionContext>> contexts_;
  /** The one that takes the shapes that were set last; null: they have to be set anew. */
  nvinfer1::IExecutionContext* context_ = nullptr;
  std::vector<std::vector<std::int64_t>> shapes_;
};

using TensorPool = LanePool<TensorLane>;

}  // namespace sluice::tensorrt
