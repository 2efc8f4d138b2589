#include "instance/task.h"

#include "instance/detection_task.h"
#include "instance/embedding_task.h"

namespace sluice {

std::unique_ptr<Task> MakeTask(const TaskSpec& spec) {
  if (spec.detection.has_value()) return std::make_unique<DetectionTask>(*spec.detection);
  return std::make_unique<EmbeddingTask>(spec);
}

}  // namespace sluice
