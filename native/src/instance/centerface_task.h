#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "instance/task.h"

namespace sluice {

/** CenterFace: rows of left top right bottom score class, then x y of five landmarks. */
class CenterFaceTask final : public Task {
 public:
  explicit CenterFaceTask(const TaskSpec& spec);

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  const TaskSpec spec_;
  /** Of the maps. */
  const std::int32_t columns_;
  const std::int32_t rows_;
  // Written by the host, read by the kernel, and the other way round: only what is used crosses the bus.
  cuda::PinnedBuffer requests_;
  cuda::PinnedBuffer detections_;
  cuda::PinnedBuffer counts_;
  std::int32_t capacity_ = 0;
  std::int32_t batch_ = 0;
};

}  // namespace sluice
