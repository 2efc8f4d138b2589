#pragma once

#include <vector>

#include "cuda/buffer.h"
#include "cuda/class_map.h"
#include "instance/task.h"

namespace sluice {

/** A class for every pixel, from one output [N,C,h,w] or [N,h,w,C]: a row with the pixels of each class, and maps. */
class SegmentationTask final : public Task {
 public:
  SegmentationTask(const TaskSpec& spec, const SegmentationSpec& kind) : spec_(spec), kind_(kind) {}

  void Check(tensorrt::ExecutionLane& lane) override;
  void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) override;
  ResultTables Collect() override;

 private:
  /** Where the maps of a picture begin in memory, device and host alike. */
  struct Place {
    std::size_t labels;
    std::size_t probabilities;
    std::size_t pixels;
    bool with_probabilities;
  };

  const TaskSpec spec_;
  const SegmentationSpec kind_;
  ClassScores scores_{};
  cuda::PinnedBuffer rows_;
  cuda::DeviceBuffer maps_;
  cuda::DeviceBuffer counts_;
  cuda::PinnedBuffer host_maps_;
  cuda::PinnedBuffer host_counts_;
  std::vector<Place> places_;
};

}  // namespace sluice
