#pragma once

#include <cstdint>

#include "params/warp_normalize_params.h"

namespace sluice {

/**
 * Brings a picture to a network's input in one pass: affine warp, channel order, normalisation. Writes
 * channels * height * width floats from out.data[offset], planes one after the other: CHW, or as Focus has it (see
 * OutputLayout). There are three channels, or one of grey, which is made of the rounded levels of the three.
 *
 * Destination pixel (dx, dy) samples (sx, sy) = matrix * (dx, dy, 1), relative to the window, without half-pixel
 * offsets. Where the border is constant, sx <= -1, sx >= width of the window, or the same in y, gives the pad;
 * otherwise the sample is bilinear, and a neighbour beyond the window counts as the pad, or as the nearest pixel of the
 * window where the border replicates. Destination pixels outside `area` are the pad. Each channel is rounded to a whole
 * grey level, floor(v + 0.5). Gray fills three equal channels. NV12 gives what converting the whole picture to RGB8 first
 * would give (see params/nv12.h), with the chroma sample that a pixel shares, not interpolated.
 *
 * The result is the same for every number of threads, 1 to kMaxThreads, the calling one included.
 */
void WarpNormalize(const PixelView& source, const WarpNormalizeParams& params, int threads, const MutableFloatView& out,
                   std::int64_t offset);

}  // namespace sluice
