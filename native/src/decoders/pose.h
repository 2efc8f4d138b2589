#pragma once

#include <cstdint>

#include "params/affine.h"
#include "params/heat_peak.h"

namespace sluice {

/** The heat maps of one region: `points` maps of `rows` x `columns`. */
struct HeatMaps {
  const float* data;
  std::int32_t points;
  std::int32_t rows;
  std::int32_t columns;
  /** Network pixels per cell. */
  double stride_x;
  double stride_y;
  PeakRefinement refinement;
};

/**
 * The highest cell of each map, the first of equal ones, as x y score in network pixels: 3 x points floats. A map without
 * a number has the point 0 0 with a score that is not one.
 */
void FindHeatPeaks(const HeatMaps& maps, float* out);

/** Values of a pose beside its points: left top right bottom score class. */
constexpr std::int32_t kPoseBoxColumns = 6;

/**
 * One pose as a row of detections: the box as given, the mean score of the points, class 0, then x y score of each point
 * in the picture. A point that is not finite is told as 0 0 with the score 0. `points` are x y score in network pixels.
 */
void WritePose(const float* points, std::int32_t count, const Affine& to_picture, const float* box, float* row);

}  // namespace sluice
