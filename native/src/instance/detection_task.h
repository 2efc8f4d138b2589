#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "instance/task.h"
#include "params/any_head.h"

namespace sluice {

/** Any detector: rows as HeadLayout says. */
class DetectionTask final : public Task {
 public:
  explicit DetectionTask(const DetectionSpec& spec) : spec_(spec) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  /** The head of a lane's outputs. */
  AnyHead HeadOf(tensorrt::ExecutionLane& lane) const;
  /** Puts the requests where the kernels read them. */
  const DetectionRequest* Stage(const std::vector<ResultRequest>& requests);
  /** Adds the mask of every result: the host mixes them, since few are left. */
  void AddMasks(ResultTables* tables) const;

  const DetectionSpec spec_;
  /** Of one picture. */
  std::vector<OutputShape> outputs_;
  HeadLayout layout_;
  // Written by the host, read by the kernels, and the other way round: only what is used crosses the bus.
  cuda::PinnedBuffer requests_;
  cuda::PinnedBuffer classes_;
  cuda::PinnedBuffer detections_;
  cuda::PinnedBuffer counts_;
  /** The output that masks are mixed from; -1: there are none. */
  std::int32_t prototypes_ = -1;
  cuda::PinnedBuffer host_prototypes_;
  std::vector<ResultRequest> asked_;
  std::int32_t capacity_ = 0;
  std::int32_t batch_ = 0;
};

}  // namespace sluice
