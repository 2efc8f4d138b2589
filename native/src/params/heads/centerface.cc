#include "params/heads/centerface.h"

#include "params/head_outputs.h"

namespace sluice {

CenterFaceHead MakeCenterFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                  const std::vector<const float*>& data) {
  const std::int32_t columns = CellsOf(spec.width, CenterFaceHead::kStride);
  const std::int32_t rows = CellsOf(spec.height, CenterFaceHead::kStride);
  // In the order of the model: heat, scale, offset, landmarks.
  constexpr std::int64_t kPlanes[] = {1, 2, 2, 2 * CenterFaceHead::kPoints};
  std::string expected;
  bool fits = outputs.size() == 4;
  for (std::size_t i = 0; i < 4; i++) {
    const std::vector<std::int64_t> dims{kPlanes[i], rows, columns};
    expected += (i == 0 ? "" : " ") + OutputText(dims);
    fits = fits && outputs[i].dims == dims;
  }
  if (!fits) RefuseOutputs(spec, expected, outputs);
  CheckClasses(spec, 1);
  const std::size_t cells = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  return {data[0], data[1], data[2], data[3], cells, columns};
}

}  // namespace sluice
