#include "instance/text_embedding_task.h"

#include <algorithm>
#include <string>

#include "cuda/l2_normalize.h"
#include "cuda/pool_tokens.h"
#include "params/error.h"

namespace sluice {

void TextEmbeddingTask::Check(tensorrt::ExecutionLane& lane) {
  const std::size_t rank = spec_.pooling == Pooling::kNone ? 2 : 3;
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < lane.outputs(); i++) {
    const std::vector<std::int64_t> shape = lane.OutputShape(i, 1);
    const bool sound = std::all_of(shape.begin(), shape.end(), [](std::int64_t size) { return size > 0; });
    if (shape.size() == rank && shape[0] == 1 && sound) fitting.push_back(i);
  }
  if (fitting.size() != 1) {
    throw Error(ErrorCode::kModelInvalid,
                std::string("the outputs do not fit task text_embedding: expected exactly one ") +
                    (rank == 2 ? "1xD" : "1xLxD") + ", found" + FoundShapes(lane) +
                    "; postprocess.pooling none takes NxD, cls and mean take NxLxD");
  }
  output_ = fitting.front();
  width_ = static_cast<std::int32_t>(lane.OutputShape(output_, 1).back());
}

void TextEmbeddingTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                                cudaStream_t stream) {
  batch_ = static_cast<std::int32_t>(requests.size());
  const std::size_t count = requests.size() * static_cast<std::size_t>(width_);
  float* vectors = lane.mutable_output(output_);
  if (spec_.pooling != Pooling::kNone) {
    const std::int64_t length = lane.OutputShape(output_, batch_)[1];
    vectors = lane.scratch().Room<float>(count);
    const cuda::TokenVectors texts{lane.output(output_), batch_, length, width_, tokens_.as<std::int32_t>()};
    cuda::LaunchPoolTokens(texts, spec_.pooling, vectors, stream);
  }
  if (spec_.normalize) cuda::LaunchL2Normalize(vectors, batch_, width_, stream);
  SLUICE_CUDA(cudaMemcpyAsync(vectors_.Room<float>(count), vectors, count * sizeof(float), cudaMemcpyDeviceToHost,
                              stream));
}

ResultTables TextEmbeddingTask::Collect() {
  ResultTables tables;
  tables.columns = width_;
  tables.counts.assign(static_cast<std::size_t>(batch_), 1);
  const float* values = vectors_.as<float>();
  tables.values.assign(values, values + static_cast<std::size_t>(batch_) * static_cast<std::size_t>(width_));
  return tables;
}

}  // namespace sluice
