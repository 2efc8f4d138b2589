#include "instance/pose_task.h"

#include "cuda/heat_peaks.h"
#include "params/error.h"

namespace sluice {
namespace {

/** x y score. */
constexpr std::int32_t kPointValues = 3;

}  // namespace

void PoseTask::Check(tensorrt::ExecutionLane& lane) {
  const std::vector<std::int64_t> shape = lane.OutputShape(0, 1);
  const bool fits = lane.outputs() == 1 && shape[0] == 1 &&
                    (kind_.heat_maps ? shape.size() == 4 : shape.size() == 3 && shape[2] == kPointValues);
  if (!fits) {
    throw Error(ErrorCode::kModelInvalid, std::string("the outputs do not fit the task: expected one of 1xpointsx") +
                                              (kind_.heat_maps ? "hxw" : "3") + ", found" + FoundShapes(lane));
  }
  told_ = static_cast<std::int32_t>(shape[1]);
  points_ = kind_.count == 0 ? told_ - kind_.first : kind_.count;
  if (points_ < 1 || kind_.first + points_ > told_) {
    throw Error(ErrorCode::kModelInvalid, "the model tells " + std::to_string(told_) +
                                              " points; first_key_point and key_points want more");
  }
  if (!kind_.heat_maps) return;
  maps_.points = told_;
  maps_.rows = static_cast<std::int32_t>(shape[2]);
  maps_.columns = static_cast<std::int32_t>(shape[3]);
  maps_.stride_x = static_cast<double>(spec_.width) / maps_.columns;
  maps_.stride_y = static_cast<double>(spec_.height) / maps_.rows;
  maps_.refinement = kind_.refinement;
}

void PoseTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests, cudaStream_t stream) {
  requests_ = requests;
  const std::size_t values = requests.size() * static_cast<std::size_t>(told_) * kPointValues;
  const float* points = lane.output(0);
  if (kind_.heat_maps) {
    HeatMaps maps = maps_;
    maps.data = lane.output(0);
    auto* peaks = peaks_.Room<float>(values);
    cuda::LaunchFindHeatPeaks(maps, static_cast<int>(requests.size()), peaks, stream);
    points = peaks;
  }
  SLUICE_CUDA(cudaMemcpyAsync(host_points_.Room<float>(values), points, values * sizeof(float), cudaMemcpyDeviceToHost,
                              stream));
}

ResultTables PoseTask::Collect() {
  ResultTables tables;
  tables.layout = HeadLayout{false, points_, kPointValues, 0};
  tables.columns = tables.layout->columns();
  tables.counts.assign(requests_.size(), 1);
  tables.values.resize(requests_.size() * static_cast<std::size_t>(tables.columns));
  for (std::size_t i = 0; i < requests_.size(); i++) {
    const std::size_t first = i * static_cast<std::size_t>(told_) + static_cast<std::size_t>(kind_.first);
    WritePose(host_points_.as<float>() + first * kPointValues, points_, requests_[i].matrix, requests_[i].box,
              tables.values.data() + i * static_cast<std::size_t>(tables.columns));
  }
  return tables;
}

}  // namespace sluice
