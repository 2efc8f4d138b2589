#include "instance/task.h"

#include "instance/centerface_task.h"
#include "instance/classification_task.h"
#include "instance/embedding_task.h"
#include "params/error.h"

namespace sluice {

std::unique_ptr<Task> MakeTask(const TaskSpec& spec) {
  if (spec.name == "centerface") return std::make_unique<CenterFaceTask>(spec);
  if (spec.name == "embedding") return std::make_unique<EmbeddingTask>(spec);
  if (spec.name == "classification" || spec.name == "text_classification") {
    return std::make_unique<ClassificationTask>(spec);
  }
  throw Error(ErrorCode::kModelInvalid, "task " + spec.name + " does not run on GPUs; use KIND_CPU");
}

}  // namespace sluice
