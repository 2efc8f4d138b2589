#include "instance/classification_task.h"

#include <algorithm>
#include <string>

#include "cuda/activate.h"
#include "params/error.h"

namespace sluice {

void ClassificationTask::Check(tensorrt::ExecutionLane& lane) {
  const std::vector<std::int64_t> shape = lane.OutputShape(0, 1);
  const bool fits = lane.outputs() == 1 && shape.size() >= 2 && shape[0] == 1 && shape[1] > 0 &&
                    std::all_of(shape.begin() + 2, shape.end(), [](std::int64_t size) { return size == 1; });
  if (!fits) {
    throw Error(ErrorCode::kModelInvalid,
                "the outputs do not fit a task of classes: expected one of 1xC, found" + FoundShapes(lane));
  }
  classes_ = static_cast<std::int32_t>(shape[1]);
  if (spec_.labels == 0 || spec_.labels == classes_) return;
  throw Error(ErrorCode::kModelInvalid, "the labels file has " + std::to_string(spec_.labels) +
                                            " lines, the model tells " + std::to_string(classes_) + " classes");
}

void ClassificationTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                                 cudaStream_t stream) {
  batch_ = static_cast<std::int32_t>(requests.size());
  const std::size_t count = requests.size() * static_cast<std::size_t>(classes_);
  cuda::LaunchActivate(lane.mutable_output(0), batch_, classes_, spec_.activation, stream);
  SLUICE_CUDA(cudaMemcpyAsync(scores_.Room<float>(count), lane.output(0), count * sizeof(float),
                              cudaMemcpyDeviceToHost, stream));
}

ResultTables ClassificationTask::Collect() {
  ResultTables tables;
  tables.columns = classes_;
  tables.counts.assign(static_cast<std::size_t>(batch_), 1);
  const float* scores = scores_.as<float>();
  tables.values.assign(scores, scores + static_cast<std::size_t>(batch_) * static_cast<std::size_t>(classes_));
  return tables;
}

}  // namespace sluice
