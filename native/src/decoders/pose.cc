#include "decoders/pose.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice {

void FindHeatPeaks(const HeatMaps& maps, float* out) {
  const std::int64_t cells = std::int64_t{maps.rows} * maps.columns;
  for (std::int32_t point = 0; point < maps.points; point++) {
    const float* map = maps.data + point * cells;
    std::int64_t best = -1;
    for (std::int64_t cell = 0; cell < cells; cell++) {
      if (best < 0 ? map[cell] == map[cell] : map[cell] > map[best]) best = cell;
    }
    const HeatPeak peak = best < 0 ? HeatPeak{0, 0, std::numeric_limits<float>::quiet_NaN()}
                                   : PeakAt(map, best, maps.rows, maps.columns, maps.stride_x, maps.stride_y,
                                            maps.refinement);
    out[3 * point] = peak.x;
    out[3 * point + 1] = peak.y;
    out[3 * point + 2] = peak.score;
  }
}

void WritePose(const float* points, std::int32_t count, const Affine& to_picture, const float* box, float* row) {
  double sum = 0;
  float* out = row + kPoseBoxColumns;
  for (std::int32_t i = 0; i < count; i++, out += 3) {
    const float score = points[3 * i + 2];
    const Point at = to_picture(points[3 * i], points[3 * i + 1]);
    const auto x = static_cast<float>(at.x);
    const auto y = static_cast<float>(at.y);
    const bool finite = std::isfinite(x) && std::isfinite(y) && std::isfinite(score);
    out[0] = finite ? x : 0;
    out[1] = finite ? y : 0;
    out[2] = finite ? score : 0;
    sum += out[2];
  }
  std::copy_n(box, 4, row);
  row[4] = static_cast<float>(count > 0 ? sum / count : 0);
  row[5] = 0;
}

}  // namespace sluice
