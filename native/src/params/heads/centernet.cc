#include "params/heads/centernet.h"

#include <string>

#include "params/heads/output_roles.h"

namespace sluice {

CenterNetHead MakeCenterNet(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                            const std::vector<const float*>& outputs) {
  const std::int64_t width = CellsOver(spec.width, kCenterNetStride);
  const std::int64_t cells = width * CellsOver(spec.height, kCenterNetStride);
  const std::int64_t columns = spec.labels == 0 ? kAnySize : 4 + 2 * std::int64_t{spec.labels};
  const std::string expected =
      "[" + std::to_string(cells) + "," + (spec.labels == 0 ? "4+2*classes" : std::to_string(columns)) + "]";
  FindOutputs(spec, shapes, {{{}, {cells, columns}}}, expected);
  const Rows rows = RowsOf(shapes, outputs, 0);
  const std::int64_t classes = (rows.columns - 4) / 2;
  if (classes < 1 || rows.columns % 2 != 0 || cells * classes > kMostCandidates) RefuseOutputs(spec, shapes, expected);
  return {rows, static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(classes)};
}

}  // namespace sluice
