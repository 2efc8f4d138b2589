#include "instance/centerface_task.h"

#include <algorithm>

#include "cuda/centerface.h"
#include "params/centerface_params.h"
#include "params/error.h"

namespace sluice {
namespace {

/** Planes of each output, in the order of the model: heat, scale, offset, landmarks. */
constexpr std::int64_t kPlanes[4] = {1, 2, 2, 10};

/** left top right bottom score class, then the landmarks. */
constexpr std::int32_t kResultColumns = kCenterFaceColumns + 1;

constexpr std::int32_t kBoxColumns = 5;

}  // namespace

CenterFaceTask::CenterFaceTask(const TaskSpec& spec)
    : spec_(spec),
      columns_((spec.width + kCenterFaceStride - 1) / kCenterFaceStride),
      rows_((spec.height + kCenterFaceStride - 1) / kCenterFaceStride) {}

void CenterFaceTask::Check(tensorrt::ExecutionLane& lane) {
  std::string expected;
  std::string found;
  for (std::int64_t planes : kPlanes) expected += " " + tensorrt::ShapeText({1, planes, rows_, columns_});
  for (std::size_t i = 0; i < lane.outputs(); i++) found += " " + tensorrt::ShapeText(lane.OutputShape(i, 1));
  if (expected == found) return;
  throw Error(ErrorCode::kModelInvalid,
              "the outputs do not fit task centerface: expected" + expected + ", found" + found);
}

void CenterFaceTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                             cudaStream_t stream) {
  batch_ = static_cast<std::int32_t>(requests.size());
  capacity_ = 1;
  auto* rows = requests_.Room<cuda::CenterFaceRow>(requests.size());
  for (std::size_t i = 0; i < requests.size(); i++) {
    const ResultRequest& request = requests[i];
    const std::int32_t most = std::min({request.max_detections, spec_.max_detections, kCenterFaceMaxCandidates});
    rows[i] = {request.matrix, request.score_threshold, request.nms_threshold, most};
    capacity_ = std::max(capacity_, most);
  }
  cuda::CenterFaceBatch batch{};
  batch.heat = lane.output(0);
  batch.scale = lane.output(1);
  batch.offset = lane.output(2);
  batch.landmarks = lane.output(3);
  batch.columns = columns_;
  batch.rows = rows_;
  batch.rule = spec_.nms_rule;
  batch.requests = rows;
  batch.count = batch_;
  batch.capacity = capacity_;
  batch.out = detections_.Room<float>(requests.size() * static_cast<std::size_t>(capacity_) * kCenterFaceColumns);
  batch.counts = counts_.Room<std::int32_t>(requests.size());
  batch.scratch = lane.scratch().Room<char>(cuda::CenterFaceScratchBytes(batch_));
  cuda::LaunchDecodeCenterFace(batch, stream);
}

ResultTables CenterFaceTask::Collect() {
  ResultTables tables;
  tables.columns = kResultColumns;
  const std::int32_t* counts = counts_.as<std::int32_t>();
  tables.counts.assign(counts, counts + batch_);
  for (std::int32_t row = 0; row < batch_; row++) {
    const float* detection = detections_.as<float>() + std::size_t{kCenterFaceColumns} * static_cast<std::size_t>(row) *
                                                           static_cast<std::size_t>(capacity_);
    for (std::int32_t i = 0; i < counts[row]; i++, detection += kCenterFaceColumns) {
      tables.values.insert(tables.values.end(), detection, detection + kBoxColumns);
      // The model knows one class, 0: face.
      tables.values.push_back(0);
      tables.values.insert(tables.values.end(), detection + kBoxColumns, detection + kCenterFaceColumns);
    }
  }
  return tables;
}

}  // namespace sluice
