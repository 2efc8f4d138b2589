#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/stream.h"
#include "instance/tensor_exchange.h"
#include "tensorrt/tensor_lane.h"

namespace sluice {

/** Documented at GpuTensorInstanceSpec in server/runtime/native-gpu.ts. */
using TensorInstanceSpec = tensorrt::PoolSpec<tensorrt::TensorLane>;

/**
 * One instance of a model whose tensors have no meaning here: a stream with its buffers, on an engine and lanes that it
 * shares with its fellows. One thread at a time; every call makes the device the thread's current one. Nothing is
 * allocated once the largest tensors have been seen.
 */
class TensorInstance {
 public:
  explicit TensorInstance(const TensorInstanceSpec& spec);
  ~TensorInstance();
  TensorInstance(const TensorInstance&) = delete;
  TensorInstance& operator=(const TensorInstance&) = delete;

  /** What operators should know. */
  std::vector<std::string> Notes();
  const tensorrt::Engine& engine() const { return pool_->engine(); }

  /** As TensorExchange::Run. */
  std::vector<FoundTensor> Infer(const TensorBatch& batch, GpuPhases* phases);

 private:
  const TensorInstanceSpec spec_;
  // In the order in which they need one another: the pool's engine outlives the stream's work.
  std::shared_ptr<tensorrt::TensorPool> pool_;
  cuda::Stream stream_;
  TensorExchange exchange_;
};

}  // namespace sluice
