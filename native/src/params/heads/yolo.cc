#include "params/heads/yolo.h"

#include "params/head_outputs.h"

namespace sluice {

YoloHead MakeYoloHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                      const std::vector<const float*>& data) {
  // Models that were exported for training too have their maps beside it.
  const int place = FindOutput(outputs, 2);
  const auto index = static_cast<std::size_t>(place);
  if (place < 0 || outputs[index].dims[0] < 1 || outputs[index].dims[1] < 6) RefuseOutputs(spec, "[1,A,5+C]", outputs);
  const std::int64_t classes = outputs[index].dims[1] - 5;
  CheckClasses(spec, classes);
  return {data[index], static_cast<std::uint32_t>(outputs[index].dims[0]), static_cast<std::int32_t>(classes),
          spec.logits};
}

}  // namespace sluice
