#include "instance/task.h"

#include "instance/classification_task.h"
#include "instance/detection_task.h"
#include "instance/embedding_task.h"
#include "instance/pose_task.h"
#include "instance/segmentation_task.h"

namespace sluice {
namespace {

/** Makes the task of each kind. */
struct Maker {
  const TaskSpec& spec;

  std::unique_ptr<Task> operator()(const DetectionSpec& kind) const { return std::make_unique<DetectionTask>(kind); }
  std::unique_ptr<Task> operator()(const EmbeddingSpec& kind) const { return std::make_unique<EmbeddingTask>(kind); }
  std::unique_ptr<Task> operator()(const ClassificationSpec& kind) const {
    return std::make_unique<ClassificationTask>(kind);
  }
  std::unique_ptr<Task> operator()(const SegmentationSpec& kind) const {
    return std::make_unique<SegmentationTask>(spec, kind);
  }
  std::unique_ptr<Task> operator()(const PoseSpec& kind) const { return std::make_unique<PoseTask>(spec, kind); }
};

}  // namespace

std::unique_ptr<Task> MakeTask(const TaskSpec& spec) { return std::visit(Maker{spec}, spec.kind); }

std::string FoundShapes(tensorrt::ExecutionLane& lane) {
  std::string found;
  for (std::size_t i = 0; i < lane.outputs(); i++) found += " " + tensorrt::ShapeText(lane.OutputShape(i, 1));
  return found;
}

}  // namespace sluice
