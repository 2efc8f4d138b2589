#include "instance/embedding_task.h"

#include <algorithm>

#include "cuda/l2_normalize.h"
#include "params/error.h"

namespace sluice {

void EmbeddingTask::Check(tensorrt::ExecutionLane& lane) {
  const std::vector<std::int64_t> shape = lane.OutputShape(0, 1);
  const bool fits = lane.outputs() == 1 && shape.size() >= 2 && shape[0] == 1 && shape[1] > 0 &&
                    std::all_of(shape.begin() + 2, shape.end(), [](std::int64_t size) { return size == 1; });
  if (!fits) {
    throw Error(ErrorCode::kModelInvalid,
                "the outputs do not fit task embedding: expected one of [1,D], found" + FoundShapes(lane));
  }
  length_ = static_cast<std::int32_t>(shape[1]);
}

void EmbeddingTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                            cudaStream_t stream) {
  batch_ = static_cast<std::int32_t>(requests.size());
  const std::size_t count = requests.size() * static_cast<std::size_t>(length_);
  if (normalize_) cuda::LaunchL2Normalize(lane.mutable_output(0), batch_, length_, stream);
  SLUICE_CUDA(cudaMemcpyAsync(vectors_.Room<float>(count), lane.output(0), count * sizeof(float),
                              cudaMemcpyDeviceToHost, stream));
}

ResultTables EmbeddingTask::Collect() {
  ResultTables tables;
  tables.columns = length_;
  tables.counts.assign(static_cast<std::size_t>(batch_), 1);
  const float* values = vectors_.as<float>();
  tables.values.assign(values, values + static_cast<std::size_t>(batch_) * static_cast<std::size_t>(length_));
  return tables;
}

}  // namespace sluice
