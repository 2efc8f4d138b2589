#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "instance/task.h"

namespace sluice {

/** A score for each class, from one output [N, C] (or [N, C, 1, 1]); a probability where the configuration says so. */
class ClassificationTask final : public Task {
 public:
  explicit ClassificationTask(const ClassificationSpec& spec) : spec_(spec) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  const ClassificationSpec spec_;
  cuda::PinnedBuffer scores_;
  std::int32_t classes_ = 0;
  std::int32_t batch_ = 0;
};

}  // namespace sluice
