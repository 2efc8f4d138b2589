#include "params/heads/centernet.h"

#include <string>

#include "params/head_outputs.h"
#include "params/output_roles.h"

namespace sluice {

CenterNetHead MakeCenterNetHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                const std::vector<const float*>& data) {
  const std::int32_t columns = CellsOf(spec.width, CenterNetHead::kStride);
  const std::int64_t cells = std::int64_t{columns} * CellsOf(spec.height, CenterNetHead::kStride);
  const std::string expected = "[1," + std::to_string(cells) + ",4+2*C]";
  FindOutputs(spec, outputs, {{{}, {cells, kAnySize}}}, expected);
  const Table table = TableOf(outputs, data, 0);
  const std::int32_t classes = (table.columns - 4) / 2;
  if (classes < 1 || table.columns % 2 != 0) RefuseOutputs(spec, expected, outputs);
  CheckClasses(spec, classes);
  return {table, static_cast<std::uint32_t>(columns), static_cast<std::uint32_t>(classes)};
}

}  // namespace sluice
