#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"
#include "instance/phases.h"
#include "instance/task.h"
#include "instance/tensor_exchange.h"
#include "instance/text_embedding_task.h"
#include "tensorrt/execution_lane.h"

namespace sluice {

/** Documented at GpuTextInstanceSpec in server/runtime/native-gpu.ts. */
struct TextInstanceSpec {
  /** The row_shape of its lanes is the most tokens of a row. */
  tensorrt::PoolSpec<tensorrt::ExecutionLane> pool;
  std::variant<ClassificationSpec, TextEmbeddingSpec> task;
};

/** Rows of tokens in memory of the host. */
struct TextBatch {
  /** For each input of the plan, in its order, rows x length values. */
  std::vector<const std::int32_t*> inputs;
  std::int32_t rows;
  std::int32_t length;
  /** How many of each row are no padding. */
  const std::int32_t* tokens;
};

/**
 * One instance of a model that reads texts: a stream with its buffers, on an engine and lanes that it shares with its
 * fellows. One thread at a time; every call makes the device the thread's current one. Nothing is allocated once the
 * largest batch has been seen.
 */
class TextInstance {
 public:
  explicit TextInstance(const TextInstanceSpec& spec);
  ~TextInstance();
  TextInstance(const TextInstance&) = delete;
  TextInstance& operator=(const TextInstance&) = delete;

  /** What operators should know. */
  std::vector<std::string> Notes();
  const std::vector<std::string>& input_names() const { return input_names_; }

  /** Throws std::out_of_range where the batch does not fit, and Error. */
  ResultTables Run(const TextBatch& batch, GpuPhases* phases);
  const tensorrt::Engine& engine() const { return pool_->engine(); }
  /** As TensorExchange::Run: past the task. */
  std::vector<FoundTensor> Infer(const TensorBatch& batch, GpuPhases* phases);

 private:
  void CheckBatch(const TextBatch& batch) const;
  void EnqueueInputs(const TextBatch& batch, tensorrt::ExecutionLane& lane);

  const TextInstanceSpec spec_;
  // In the order in which they need one another: the pool's engine outlives the stream's work.
  std::shared_ptr<tensorrt::ExecutionPool> pool_;
  cuda::Stream stream_;
  cuda::PinnedBuffer tokens_;
  std::unique_ptr<Task> task_;
  std::vector<std::string> input_names_;
  /** One an input, in the type that it takes. */
  std::vector<cuda::PinnedBuffer> staging_;
  TensorExchange exchange_;
  cuda::Event preprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event infer_start_{cuda::Event::Use::kTiming};
  cuda::Event postprocess_start_{cuda::Event::Use::kTiming};
  cuda::Event end_{cuda::Event::Use::kTiming};
};

}  // namespace sluice
