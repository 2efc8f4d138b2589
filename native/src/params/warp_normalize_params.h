#pragma once

#include <cstdint>

#include "params/affine.h"
#include "params/pixels.h"
#include "params/views.h"

namespace sluice {

enum class Border { kConstant, kReplicate };

/** Which source pixels may be read, in pixels, right and bottom exclusive. */
struct Window {
  std::int32_t left;
  std::int32_t top;
  std::int32_t right;
  std::int32_t bottom;
};

/** How grey levels become tensor values: (level * scale - mean[c]) / std[c]. */
struct Normalization {
  /** Plane 0 is blue, not red. Planes, and so mean and std, are counted after this choice. */
  bool bgr;
  double scale;
  double mean[3];
  double std[3];
};

/** What a warp does; plain data that a CPU and a GPU implementation share. */
struct WarpNormalizeParams {
  /** Destination to source, pixel centres at integers. */
  Affine matrix;
  /** Of the destination, in pixels, 1 to kMaxSide. */
  std::int32_t width;
  std::int32_t height;
  Border border;
  /** Grey level outside the window where the border is constant, 0 to 255. */
  float pad;
  Window window;
  Normalization normalization;
};

/** The same arithmetic with one multiplication and one addition: level * multiplier[c] + bias[c]. */
struct LevelMap {
  float multiplier[3];
  float bias[3];
};

LevelMap MakeLevelMap(const Normalization& normalization);

/** Floats that a warp writes. */
inline std::int64_t OutputLength(const WarpNormalizeParams& params) {
  return std::int64_t{3} * params.width * params.height;
}

/** Refuses a window that is empty or reaches beyond the source. */
void CheckWindow(const Window& window, const PixelView& source);

/** Refuses what would read or write out of bounds or yield values that are not finite. */
void CheckWarpNormalize(const PixelView& source, const WarpNormalizeParams& params, const MutableFloatView& out,
                        std::int64_t offset);

}  // namespace sluice
