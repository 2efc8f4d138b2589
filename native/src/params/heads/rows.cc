#include "params/heads/rows.h"

#include <string>

#include "params/head_outputs.h"

namespace sluice {

RowsHead MakeRowsHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                      const std::vector<const float*>& data) {
  const std::int64_t points = spec.key_points;
  const std::string count = std::to_string(points);
  const std::string expected = points == 0 ? "[1,R,6]" : "[1,R,6+" + count + "*3] or [1,R,6+" + count + "*2]";
  const int found = FindOutput(outputs, 2);
  const auto index = static_cast<std::size_t>(found);
  if (found < 0 || outputs[index].dims[0] < 1) RefuseOutputs(spec, expected, outputs);
  const std::int64_t beyond = outputs[index].dims[1] - 6;
  if (beyond != 3 * points && beyond != 2 * points) RefuseOutputs(spec, expected, outputs);
  return {data[index], static_cast<std::uint32_t>(outputs[index].dims[0]), static_cast<std::int32_t>(points),
          beyond == 3 * points ? 3 : 2, spec.logits};
}

}  // namespace sluice
