#pragma once

#include <cstdint>

#include "params/affine.h"
#include "params/nms_params.h"
#include "params/views.h"

namespace sluice {

/** Network pixels per cell of the maps. */
constexpr int kCenterFaceStride = 4;

/** left top right bottom score x0 y0 .. x4 y4. */
constexpr int kCenterFaceColumns = 15;

/** Candidates that reach non-maximum suppression; what lies beyond the best is left out, to bound its quadratic time.
 */
constexpr int kCenterFaceMaxCandidates = 4096;

/** The network's output for one picture, each map `rows` x `columns` floats. */
struct CenterFaceMaps {
  /** 1 map: score. */
  FloatView heat;
  /** 2 maps: log(height / stride), log(width / stride). */
  FloatView scale;
  /** 2 maps: the centre within the cell, y then x, in cells. */
  FloatView offset;
  /** 10 maps: y0 x0 .. y4 x4 as parts of the box. */
  FloatView landmarks;
};

struct CenterFaceParams {
  /** Cells of the maps, 1 to kMaxSide each. */
  std::int32_t columns;
  std::int32_t rows;
  double score_threshold;
  NmsParams nms;
  std::int32_t max_detections;
  /** Network input to picture. */
  Affine matrix;
};

void CheckCenterFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const MutableFloatView& out);

}  // namespace sluice
