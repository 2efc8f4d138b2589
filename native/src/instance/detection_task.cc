#include "instance/detection_task.h"

#include <algorithm>

#include "cuda/detections.h"
#include "decoders/mask.h"
#include "params/error.h"

namespace sluice {
namespace {

/** Values of one picture. */
std::size_t VolumeOf(const OutputShape& output) {
  std::size_t volume = 1;
  for (const std::int64_t size : output.dims) volume *= static_cast<std::size_t>(size);
  return volume;
}

}  // namespace

void DetectionTask::Check(tensorrt::ExecutionLane& lane) {
  outputs_.clear();
  for (std::size_t i = 0; i < lane.outputs(); i++) {
    std::vector<std::int64_t> shape = lane.OutputShape(i, 1);
    if (shape.empty() || shape[0] != 1) {
      throw Error(ErrorCode::kModelInvalid, "the outputs do not fit task " + spec_.task +
                                                ": expected a batch of 1 in each, found " +
                                                tensorrt::ShapeText(shape) + " in " + lane.OutputName(i));
    }
    shape.erase(shape.begin());
    outputs_.push_back({lane.OutputName(i), shape});
  }
  layout_ = LayoutOf(HeadOf(lane));
  for (std::size_t i = 0; i < outputs_.size() && spec_.task == "yolov8_seg"; i++) {
    if (outputs_[i].dims.size() == 3) prototypes_ = static_cast<std::int32_t>(i);
  }
}

AnyHead DetectionTask::HeadOf(tensorrt::ExecutionLane& lane) const {
  std::vector<const float*> data;
  for (std::size_t i = 0; i < lane.outputs(); i++) data.push_back(lane.output(i));
  return MakeHead(spec_, outputs_, data);
}

const DetectionRequest* DetectionTask::Stage(const std::vector<ResultRequest>& requests) {
  std::size_t words = 0;
  for (const ResultRequest& request : requests) words += request.classes.has_value() ? request.classes->size() : 0;
  auto* classes = classes_.Room<std::uint32_t>(std::max<std::size_t>(words, 1));
  auto* staged = requests_.Room<DetectionRequest>(requests.size());
  capacity_ = 1;
  for (std::size_t i = 0; i < requests.size(); i++) {
    const ResultRequest& request = requests[i];
    const std::int32_t most = std::min({request.max_detections, spec_.max_detections, kMaxCandidates});
    staged[i] = {request.matrix, request.score_threshold, request.nms_threshold, most, nullptr, 0};
    capacity_ = std::max(capacity_, most);
    if (!request.classes.has_value()) continue;
    staged[i].classes = classes;
    staged[i].class_words = static_cast<std::int32_t>(request.classes->size());
    classes = std::copy(request.classes->begin(), request.classes->end(), classes);
  }
  return staged;
}

void DetectionTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                            cudaStream_t stream) {
  batch_ = static_cast<std::int32_t>(requests.size());
  const AnyHead head = HeadOf(lane);
  cuda::DetectionBatch batch{};
  batch.rule = spec_.nms_rule;
  batch.class_agnostic = spec_.class_agnostic;
  batch.requests = Stage(requests);
  batch.count = batch_;
  batch.capacity = capacity_;
  batch.out = detections_.Room<float>(requests.size() * static_cast<std::size_t>(capacity_) *
                                      static_cast<std::size_t>(layout_.columns()));
  batch.counts = counts_.Room<std::int32_t>(requests.size());
  batch.scratch = lane.scratch().Room<char>(cuda::DetectionScratchBytes(head, batch_));
  cuda::LaunchDetections(head, batch, stream);
  if (prototypes_ < 0) return;
  asked_ = requests;
  const std::size_t values = requests.size() * VolumeOf(outputs_[static_cast<std::size_t>(prototypes_)]);
  SLUICE_CUDA(cudaMemcpyAsync(host_prototypes_.Room<float>(values), lane.output(static_cast<std::size_t>(prototypes_)),
                              values * sizeof(float), cudaMemcpyDeviceToHost, stream));
}

ResultTables DetectionTask::Collect() {
  ResultTables tables;
  tables.columns = layout_.columns();
  tables.layout = layout_;
  const std::int32_t* counts = counts_.as<std::int32_t>();
  tables.counts.assign(counts, counts + batch_);
  const auto columns = static_cast<std::size_t>(tables.columns);
  for (std::size_t row = 0; row < tables.counts.size(); row++) {
    const float* detections = detections_.as<float>() + row * static_cast<std::size_t>(capacity_) * columns;
    const std::size_t values = static_cast<std::size_t>(counts[row]) * columns;
    tables.values.insert(tables.values.end(), detections, detections + values);
  }
  if (prototypes_ >= 0) AddMasks(&tables);
  return tables;
}

void DetectionTask::AddMasks(ResultTables* tables) const {
  const OutputShape& output = outputs_[static_cast<std::size_t>(prototypes_)];
  MaskPrototypes prototypes{nullptr, static_cast<std::int32_t>(output.dims[0]),
                            static_cast<std::int32_t>(output.dims[1]), static_cast<std::int32_t>(output.dims[2])};
  const auto columns = static_cast<std::size_t>(tables->columns);
  const float* row = tables->values.data();
  for (std::size_t i = 0; i < tables->counts.size(); i++) {
    const ResultRequest& asked = asked_[i];
    prototypes.data = host_prototypes_.as<float>() + i * VolumeOf(output);
    const Affine to_cells = ToGrid(Inverse(asked.matrix, "row.resultMatrix"), spec_.width, spec_.height,
                                   prototypes.columns, prototypes.rows);
    for (std::int32_t result = 0; result < tables->counts[i]; result++, row += columns) {
      const MaskObject object{row + columns - prototypes.planes, row[0], row[1], row[2], row[3]};
      tables->masks.push_back(DecodeMask(prototypes, object, to_cells, asked.width, asked.height));
    }
  }
}

}  // namespace sluice
