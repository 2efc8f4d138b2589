#pragma once

#include <cstddef>
#include <cstdint>

#include "params/warp_normalize_params.h"

namespace sluice {

/** A checked warp. Both implementations below give the same values, to the bit, where both apply. */
struct WarpJob {
  const PixelView& source;
  const WarpNormalizeParams& params;
  LevelMap levels;
  /** The first of the three planes. */
  float* out;

  std::int32_t window_width() const { return params.window.right - params.window.left; }
  std::int32_t window_height() const { return params.window.bottom - params.window.top; }
  /** The colour of plane `c`: red (0), green (1) or blue (2). */
  int color_of(int c) const { return params.normalization.bgr ? 2 - c : c; }
  /** Row `dy` of plane `c`. */
  float* row(int c, std::int32_t dy) const {
    return out + (static_cast<std::size_t>(c) * params.height + dy) * params.width;
  }
};

/** Rows `begin` to `end` of the destination, for matrices that neither rotate nor shear. */
void WarpAxisAligned(const WarpJob& job, std::int32_t begin, std::int32_t end);

/** The same for any matrix. */
void WarpGeneral(const WarpJob& job, std::int32_t begin, std::int32_t end);

}  // namespace sluice
