#pragma once

#include <cstddef>
#include <cstdint>

#include "params/tap.h"
#include "params/warp_normalize_params.h"

namespace sluice {

/** A checked warp. Both implementations below give the same values, to the bit, where both apply. */
struct WarpJob {
  const PixelView& source;
  const WarpNormalizeParams& params;
  LevelMap levels;
  OutputLayout layout;
  /** The first value. */
  float* out;

  std::int32_t window_width() const { return params.window.right - params.window.left; }
  std::int32_t window_height() const { return params.window.bottom - params.window.top; }
  /** The colour of plane `c`: red (0), green (1) or blue (2). Where there is one plane, that is made of all. */
  int color_of(int c) const { return params.normalization.order == PlaneOrder::kBgr ? 2 - c : c; }
  /** Plane `c` of the destination pixel (dx, dy). */
  float* at(int c, std::int32_t dx, std::int32_t dy) const { return out + layout.at(dx, dy) + c * layout.plane(); }

  /** The tap of destination column `dx`, which samples at `x`. */
  Tap ColumnTap(std::int32_t dx, double x) const {
    if (dx < params.area.left || dx >= params.area.right) return PadTap(params.pad);
    return MakeTap(x - params.window.left, window_width(), params.border, params.pad);
  }
  /** The tap of destination row `dy`, which samples at `y`. */
  Tap RowTap(std::int32_t dy, double y) const {
    if (dy < params.area.top || dy >= params.area.bottom) return PadTap(params.pad);
    return MakeTap(y - params.window.top, window_height(), params.border, params.pad);
  }
};

/** Rows `begin` to `end` of the destination, for matrices that neither rotate nor shear. */
void WarpAxisAligned(const WarpJob& job, std::int32_t begin, std::int32_t end);

/** The same for any matrix. */
void WarpGeneral(const WarpJob& job, std::int32_t begin, std::int32_t end);

}  // namespace sluice
