#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "params/activation.h"
#include "params/affine.h"
#include "params/nms_params.h"
#include "tensorrt/execution_lane.h"

namespace sluice {

/** What one row of a batch asks of post-processing. */
struct ResultRequest {
  /** Network input to picture. */
  Affine matrix;
  double score_threshold;
  double nms_threshold;
  std::int32_t max_detections;
};

/** The results of a batch: a table of `columns` values for each row. */
struct ResultTables {
  std::int32_t columns = 0;
  /** Results of each row. */
  std::vector<std::int32_t> counts;
  /** All results, row after row. */
  std::vector<float> values;
};

/** What a model's output tensors mean, on the GPU: belongs to one instance, and uses one lane at a time. */
class Task {
 public:
  virtual ~Task() = default;
  /** Throws Error kModelInvalid, naming the expected and the found shapes, when the outputs do not fit. */
  virtual void Check(tensorrt::ExecutionLane& lane) = 0;
  /** Enqueues what turns the lane's outputs into results in this task's own memory. */
  virtual void Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                       cudaStream_t stream) = 0;
  /** The results, once the stream has passed what Enqueue put there. */
  virtual ResultTables Collect() = 0;
};

/** What tasks are made of; documented at GpuInstanceSpec in server/runtime/native-gpu.ts. */
struct TaskSpec {
  std::string name;
  std::int32_t width;
  std::int32_t height;
  NmsRule nms_rule;
  std::int32_t max_detections;
  bool normalize;
  Activation activation = Activation::kNone;
};

/** Throws Error kModelInvalid for a name that no task has. */
std::unique_ptr<Task> MakeTask(const TaskSpec& spec);

}  // namespace sluice
