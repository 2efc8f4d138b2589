#include "params/centerface_params.h"

#include <cmath>

#include "params/check.h"
#include "params/pixels.h"

namespace sluice {
namespace {

void CheckMap(const FloatView& map, const char* name, int planes, const CenterFaceParams& params) {
  const std::int64_t needed = std::int64_t{planes} * params.rows * params.columns;
  if (map.length == static_cast<std::uint64_t>(needed)) return;
  Refuse(name, " has ", map.length, " values; [", planes, ", ", params.rows, ", ", params.columns, "] needs ", needed);
}

}  // namespace

void CheckCenterFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const MutableFloatView& out) {
  if (params.columns < 1 || params.columns > kMaxSide) {
    Refuse("options.columns is ", params.columns, "; it must be 1 to ", kMaxSide);
  }
  if (params.rows < 1 || params.rows > kMaxSide) {
    Refuse("options.rows is ", params.rows, "; it must be 1 to ", kMaxSide);
  }
  CheckMap(maps.heat, "heat", 1, params);
  CheckMap(maps.scale, "scale", 2, params);
  CheckMap(maps.offset, "offset", 2, params);
  CheckMap(maps.landmarks, "landmarks", 10, params);
  if (!std::isfinite(params.score_threshold)) Refuse("options.scoreThreshold must be finite");
  CheckNms(params.nms, "options.nms");
  CheckAffine(params.matrix, "options.matrix");
  if (params.max_detections < 0)
    Refuse("options.maxDetections is ", params.max_detections, "; it must not be negative");
  const std::int64_t needed = std::int64_t{kCenterFaceColumns} * params.max_detections;
  if (out.length < static_cast<std::uint64_t>(needed)) {
    Refuse("out has ", out.length, " values; ", params.max_detections, " rows of ", kCenterFaceColumns, " need ",
           needed);
  }
}

}  // namespace sluice
