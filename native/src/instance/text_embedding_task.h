#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "instance/task.h"
#include "params/pooling.h"

namespace sluice {

/** Documented at GpuTextEmbedding in server/runtime/native-gpu.ts. */
struct TextEmbeddingSpec {
  Pooling pooling;
  bool normalize;
};

/**
 * One vector a text: the one output [N, D], or, with pooling, what it makes of the one output [N, L, D]. Other outputs
 * may be there. Of unit length where the configuration says so.
 */
class TextEmbeddingTask final : public Task {
 public:
  /** `tokens` holds how many of each row are no padding, at the time of Enqueue and until the stream has passed it. */
  TextEmbeddingTask(const TextEmbeddingSpec& spec, const cuda::PinnedBuffer& tokens) : spec_(spec), tokens_(tokens) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  const TextEmbeddingSpec spec_;
  const cuda::PinnedBuffer& tokens_;
  cuda::PinnedBuffer vectors_;
  /** Of the output that counts. */
  std::size_t output_ = 0;
  std::int32_t width_ = 0;
  std::int32_t batch_ = 0;
};

}  // namespace sluice
