#include "cpu/similarity.h"

#include <cmath>

#include "params/check.h"

namespace sluice {
namespace {

/** Part of the template's spread that a fit has to explain; below it the scale is rounding noise. */
constexpr double kLeastCorrelation = 1e-12;

/** Five points around their centre. */
struct Constellation {
  Point center{0, 0};
  Point around[kFacePoints];
  /** Sum of squared distances from the centre. */
  double spread = 0;

  Constellation(const FloatView& points, const char* name) {
    if (points.length != 2 * kFacePoints) {
      Refuse(name, " has ", points.length, " values; five points have ", 2 * kFacePoints);
    }
    for (int i = 0; i < kFacePoints; i++) {
      around[i] = {points.data[2 * i], points.data[2 * i + 1]};
      if (!std::isfinite(around[i].x) || !std::isfinite(around[i].y)) Refuse(name, ": point ", i, " is not finite");
      center.x += around[i].x / kFacePoints;
      center.y += around[i].y / kFacePoints;
    }
    bool one_point = true;
    for (const Point& point : around) one_point = one_point && point.x == around[0].x && point.y == around[0].y;
    if (one_point) Refuse(name, ": all five points are one");
    for (Point& point : around) {
      point = {point.x - center.x, point.y - center.y};
      spread += point.x * point.x + point.y * point.y;
    }
  }
};

}  // namespace

Affine AlignFivePoints(const FloatView& landmarks, const FloatView& template_points) {
  const Constellation from(landmarks, "landmarks");
  const Constellation to(template_points, "template");
  double u0 = 0;
  double u1 = 0;
  for (int i = 0; i < kFacePoints; i++) {
    u0 += from.around[i].x * to.around[i].x + from.around[i].y * to.around[i].y;
    u1 += from.around[i].y * to.around[i].x - from.around[i].x * to.around[i].y;
  }
  u0 /= from.spread;
  u1 /= from.spread;
  const double scale = u0 * u0 + u1 * u1;
  if (!(scale * from.spread > kLeastCorrelation * to.spread)) {
    Refuse("landmarks: no rotation and scale relates them to the template");
  }
  const double a = u0 / scale;
  const double b = u1 / scale;
  const Affine inverse{{a, -b, from.center.x - (a * to.center.x - b * to.center.y),  //
                        b, a, from.center.y - (b * to.center.x + a * to.center.y)}};
  CheckAffine(inverse, "landmarks: the map");
  return inverse;
}

}  // namespace sluice
