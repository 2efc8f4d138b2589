#pragma once

#include <cstdint>

#include "params/affine.h"
#include "params/output_layout.h"
#include "params/pixels.h"
#include "params/views.h"

namespace sluice {

enum class Border { kConstant, kReplicate };

/** A rectangle of pixels, right and bottom exclusive. */
struct Window {
  std::int32_t left;
  std::int32_t top;
  std::int32_t right;
  std::int32_t bottom;
};

/** Which planes a pixel becomes, in this order; kGray is one. */
enum class PlaneOrder { kRgb, kBgr, kGray };

/** How grey levels become tensor values: (level * scale - mean[c]) / std[c]. */
struct Normalization {
  /** Planes, and so mean and std, are counted after this choice. */
  PlaneOrder order;
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
  /** Grey level outside the area, and outside the window where the border is constant, 0 to 255. */
  float pad;
  /** Which source pixels may be read. */
  Window window;
  /** Which destination pixels are sampled; the others are the pad. */
  Window area;
  /** See OutputLayout. */
  bool focus;
  Normalization normalization;
};

/** The same arithmetic with one multiplication and one addition: level * multiplier[c] + bias[c]. */
struct LevelMap {
  float multiplier[3];
  float bias[3];
};

LevelMap MakeLevelMap(const Normalization& normalization);

/** Planes of a pixel. */
inline std::int32_t ChannelsOf(PlaneOrder order) { return order == PlaneOrder::kGray ? 1 : 3; }

inline OutputLayout LayoutOf(const WarpNormalizeParams& params) {
  return {params.width, params.height, ChannelsOf(params.normalization.order), params.focus};
}

/** Floats that a warp writes. */
inline std::int64_t OutputLength(const WarpNormalizeParams& params) { return LayoutOf(params).length(); }

/** Refuses a window that is empty or reaches beyond the source. */
void CheckWindow(const Window& window, const PixelView& source);

/** Refuses an area that is empty or reaches beyond a destination of `width` x `height` pixels. */
void CheckArea(const Window& area, std::int32_t width, std::int32_t height);

/** Refuses a size that Focus cannot halve. */
void CheckFocus(bool focus, std::int32_t width, std::int32_t height);

/** Refuses what would read or write out of bounds or yield values that are not finite. */
void CheckWarpNormalize(const PixelView& source, const WarpNormalizeParams& params, const MutableFloatView& out,
                        std::int64_t offset);

}  // namespace sluice
