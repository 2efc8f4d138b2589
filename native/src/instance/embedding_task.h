#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "instance/task.h"

namespace sluice {

/** One vector a row, from one output [N, D] (or [N, D, 1, 1]); of unit length where the configuration says so. */
class EmbeddingTask final : public Task {
 public:
  explicit EmbeddingTask(const EmbeddingSpec& spec) : normalize_(spec.normalize) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  const bool normalize_;
  cuda::PinnedBuffer vectors_;
  std::int32_t length_ = 0;
  std::int32_t batch_ = 0;
};

}  // namespace sluice
