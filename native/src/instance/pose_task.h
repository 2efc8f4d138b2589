#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "decoders/pose.h"
#include "instance/task.h"

namespace sluice {

/** The points of one object a row: from one output of points [N,points,3], or of heat maps [N,points,h,w]. */
class PoseTask final : public Task {
 public:
  PoseTask(const TaskSpec& spec, const PoseSpec& kind) : spec_(spec), kind_(kind) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  const TaskSpec spec_;
  const PoseSpec kind_;
  /** Of one row, where the outputs are heat maps. */
  HeatMaps maps_{};
  /** Points that the model tells, and that are told on. */
  std::int32_t told_ = 0;
  std::int32_t points_ = 0;
  cuda::DeviceBuffer peaks_;
  cuda::PinnedBuffer host_points_;
  std::vector<ResultRequest> requests_;
};

}  // namespace sluice
