#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "params/host_device.h"

namespace sluice {

/**
 * A head says what the outputs of a family of detectors mean. It is a struct in params/heads/, plain data that kernels
 * take by value, and has, all of it SLUICE_HOST_DEVICE and const:
 *
 *   static constexpr Suppression kSuppression;        how its boxes suppress one another
 *   HeadLayout layout() const;                        what a result has beside box, score and class
 *   std::uint32_t candidates() const;                 things per picture that can be an object: anchors, cells, rows
 *   Head Picture(std::int32_t index) const;           the head of one picture of the batch
 *   bool Score(std::uint32_t candidate, float floor, HeadScore* score) const;
 *                                                     whether it scores above `floor`, reading as little as it takes to
 *                                                     know; false for what is not a number
 *   HeadBox Box(std::uint32_t candidate) const;       in network pixels
 *   HeadPoint Point(std::uint32_t candidate, std::int32_t i) const;   of layout().points, in network pixels
 *   float Value(std::uint32_t candidate, std::int32_t i) const;       of layout().values, told as it is
 *
 * One whose candidates' box and points share costly work may have, beside these,
 *
 *   Opened Open(std::uint32_t candidate) const;       a candidate with that work done: Box(), Point(i) and Value(i)
 *
 * Candidates are counted in the order of the model, and where scores are equal the earlier is the better one. Nothing is
 * assumed of the values. Arithmetic is in double precision wherever functions of the library are called, so that host
 * and device round to the same floats.
 *
 * Beside the struct stands a function that makes it from the specification and the shapes, or throws Error kModelInvalid
 * with the expected and the found shapes; any_head.h knows them all.
 */

enum class Suppression {
  /** The model has done it. */
  kNone,
  /** By intersection over union of the boxes. */
  kBoxes,
  /** By probabilistic intersection over union of turned boxes. */
  kRotated,
};

/**
 * A row of results: left top right bottom score class; where `rotated` x y width height angle; then `points` points of
 * `point_values` values (x y, or x y score); then `values`.
 */
struct HeadLayout {
  bool rotated = false;
  std::int32_t points = 0;
  std::int32_t point_values = 2;
  std::int32_t values = 0;

  SLUICE_HOST_DEVICE std::int32_t columns() const { return 6 + (rotated ? 5 : 0) + points * point_values + values; }
};

struct HeadScore {
  float score;
  std::int32_t label;
};

/** Edges before turning by `angle` radians about the centre, from x towards y. */
struct HeadBox {
  float left;
  float top;
  float right;
  float bottom;
  float angle;
};

/** In double precision, so that the picture's pixels are the first that it is rounded to. */
struct HeadPoint {
  double x;
  double y;
  float score;
};

/** The logistic function. */
SLUICE_HOST_DEVICE inline float Sigmoid(float logit) {
  return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
}

/** A logit whose logistic function is not above `score`, and close to the last such: what is not above it may be passed over. */
SLUICE_HOST_DEVICE inline float LogitBelow(float score) {
  if (!(score > 0)) return -INFINITY;
  if (score >= 1) return INFINITY;
  const float odds = score / (1 - score);
  std::uint32_t bits;
  std::memcpy(&bits, &odds, sizeof(bits));
  // Read as a number, the bits of a float are its binary logarithm, or up to 0.09 less.
  const float log2 = static_cast<float>(bits) * (1.0f / 8388608) - 127;
  return 0.693147f * log2 - 1e-4f;
}

SLUICE_HOST_DEVICE inline HeadBox BoxAround(double x, double y, double width, double height, float angle = 0) {
  return {static_cast<float>(x - width / 2), static_cast<float>(y - height / 2), static_cast<float>(x + width / 2),
          static_cast<float>(y + height / 2), angle};
}

}  // namespace sluice
