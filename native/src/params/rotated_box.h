#pragma once

#include <cmath>

#include "params/detection_head.h"

namespace sluice {

/**
 * A turned box as a normal distribution: its centre and the covariance [a c; c b] of points spread evenly over it. Two of
 * them overlap by the probabilistic intersection over union of https://arxiv.org/abs/2106.06072, which is 1 minus their
 * Hellinger distance.
 */
struct RotatedBox {
  double x;
  double y;
  double a;
  double b;
  double c;
  double determinant;
  float label;
};

/** Keeps quotients and logarithms of boxes without an area finite. */
constexpr double kRotatedEpsilon = 1e-7;

SLUICE_HOST_DEVICE inline RotatedBox Spread(const HeadBox& box, float label) {
  const double width = static_cast<double>(box.right) - box.left;
  const double height = static_cast<double>(box.bottom) - box.top;
  const double along = width * width / 12;
  const double across = height * height / 12;
  const double cosine = std::cos(static_cast<double>(box.angle));
  const double sine = std::sin(static_cast<double>(box.angle));
  const double a = along * cosine * cosine + across * sine * sine;
  const double b = along * sine * sine + across * cosine * cosine;
  const double c = (along - across) * cosine * sine;
  // The determinant is that of the box before it was turned: a b - c c would cancel out in long boxes.
  return {(static_cast<double>(box.left) + box.right) / 2,
          (static_cast<double>(box.top) + box.bottom) / 2,
          a,
          b,
          c,
          along * across,
          label};
}

/** The Bhattacharyya distance below which boxes overlap by more than `iou_threshold`. */
SLUICE_HOST_DEVICE inline double DistanceLimit(double iou_threshold) {
  const double distance = 1 - iou_threshold;
  return -std::log(1 + kRotatedEpsilon - distance * distance);
}

/** Whether two boxes of one class are nearer than `limit`, which is DistanceLimit of the threshold. */
SLUICE_HOST_DEVICE inline bool Overlaps(const RotatedBox& better, const RotatedBox& box, double limit) {
  if (better.label != box.label) return false;
  const double a = better.a + box.a;
  const double b = better.b + box.b;
  const double c = better.c + box.c;
  const double dx = better.x - box.x;
  const double dy = better.y - box.y;
  const double determinant =
      better.determinant + box.determinant + better.a * box.b + box.a * better.b - 2 * better.c * box.c;
  const double apart =
      (0.25 * (a * dy * dy + b * dx * dx) - 0.5 * c * dx * dy) / (determinant + kRotatedEpsilon);
  // What follows only adds to the distance: most boxes are done here.
  if (!(apart < limit)) return false;
  const double spread = 4 * std::sqrt(better.determinant * box.determinant) + kRotatedEpsilon;
  // Not negative, but for rounding and for boxes of next to no area.
  const double unlike = 0.5 * std::log(determinant / spread + kRotatedEpsilon);
  const double distance = unlike > 0 ? apart + unlike : apart;
  return (distance > kRotatedEpsilon ? distance : kRotatedEpsilon) < limit;
}

}  // namespace sluice
