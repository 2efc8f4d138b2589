#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "params/affine.h"
#include "params/class_map.h"
#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heat_peak.h"
#include "tensorrt/execution_lane.h"

namespace sluice {

/** What one row of a batch asks of post-processing. */
struct ResultRequest {
  /** Network input to picture. */
  Affine matrix;
  /** Of the picture as results are told in, in pixels. */
  std::int32_t width;
  std::int32_t height;
  /** The box that was asked for: left top right bottom in the picture. */
  float box[4];
  double score_threshold;
  double nms_threshold;
  std::int32_t max_detections;
  /** The classes that are wanted, as DetectionRequest has them; nothing: all. */
  std::optional<std::vector<std::uint32_t>> classes;
  /** Of a segmentation. */
  bool probability_map;
};

/** The results of a batch: a table of `columns` values for each row. */
struct ResultTables {
  std::int32_t columns = 0;
  /** Of detections. */
  std::optional<HeadLayout> layout;
  /** Results of each row. */
  std::vector<std::int32_t> counts;
  /** All results, row after row. */
  std::vector<float> values;
  /** Of detections with masks, for each result, as run lengths. */
  std::vector<std::vector<std::uint32_t>> masks;
  /** Of a segmentation, for each row: a byte for each pixel of the picture, the classes and, where asked for, how sure. */
  std::vector<std::vector<std::vector<std::uint8_t>>> maps;
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

// The kinds of tasks; documented at GpuTask in server/runtime/native-gpu.ts.

struct EmbeddingSpec {
  bool normalize;
};

struct ClassificationSpec {
  ClassActivation activation;
  /** Lines of the labels file; 0: there is none. */
  std::int32_t labels;
};

struct SegmentationSpec {
  ClassActivation activation;
  /** Lines of the labels file; 0: there is none. */
  std::int32_t labels;
};

struct PoseSpec {
  /** The outputs are heat maps; else points. */
  bool heat_maps;
  PeakRefinement refinement;
  std::int32_t first;
  /** 0: all that there are. */
  std::int32_t count;
};

/** What tasks are made of. */
struct TaskSpec {
  /** Of the network input, in pixels. */
  std::int32_t width;
  std::int32_t height;
  std::variant<DetectionSpec, EmbeddingSpec, ClassificationSpec, SegmentationSpec, PoseSpec> kind;
};

std::unique_ptr<Task> MakeTask(const TaskSpec& spec);

/** The shapes of a lane's outputs for one picture, for messages. */
std::string FoundShapes(tensorrt::ExecutionLane& lane);

}  // namespace sluice
