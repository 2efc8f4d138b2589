#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "params/affine.h"
#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/** The largest float that is not above `threshold`: a float is above both or neither. */
SLUICE_HOST_DEVICE inline float ScoreFloor(double threshold) {
  const float nearest = static_cast<float>(threshold);
  return static_cast<double>(nearest) > threshold ? nextafterf(nearest, -INFINITY) : nearest;
}

/** A candidate of a head that does nothing ahead. */
template <typename Head>
struct PlainCandidate {
  const Head& head;
  std::uint32_t index;

  SLUICE_HOST_DEVICE HeadBox Box() const { return head.Box(index); }
  SLUICE_HOST_DEVICE HeadPoint Point(std::int32_t i) const { return head.Point(index, i); }
  SLUICE_HOST_DEVICE float Value(std::int32_t i) const { return head.Value(index, i); }
};

template <typename Head, typename = void>
struct Opens : std::false_type {};
template <typename Head>
struct Opens<Head, std::void_t<decltype(std::declval<const Head&>().Open(0))>> : std::true_type {};

/** A candidate, of which several things are going to be asked. */
template <typename Head>
SLUICE_HOST_DEVICE auto Open(const Head& head, std::uint32_t index) {
  if constexpr (Opens<Head>::value) {
    return head.Open(index);
  } else {
    return PlainCandidate<Head>{head, index};
  }
}

/** Whether all that a candidate tells is finite. */
template <typename Candidate>
SLUICE_HOST_DEVICE bool IsFinite(const HeadLayout& layout, const Candidate& candidate, float score,
                                 const HeadBox& box) {
  bool finite = std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
                std::isfinite(box.bottom) && std::isfinite(box.angle) && std::isfinite(score);
  for (std::int32_t i = 0; i < layout.points; i++) {
    const HeadPoint point = candidate.Point(i);
    finite = finite && std::isfinite(point.x) && std::isfinite(point.y) && std::isfinite(point.score);
  }
  for (std::int32_t i = 0; i < layout.values; i++) finite = finite && std::isfinite(candidate.Value(i));
  return finite;
}

/** A box as it lies: its centre, the direction of its width, and half its sides. */
struct TurnedBox {
  double x;
  double y;
  double cosine;
  double sine;
  double half_width;
  double half_height;

  SLUICE_HOST_DEVICE explicit TurnedBox(const HeadBox& box)
      : x((static_cast<double>(box.left) + box.right) / 2),
        y((static_cast<double>(box.top) + box.bottom) / 2),
        cosine(std::cos(static_cast<double>(box.angle))),
        sine(std::sin(static_cast<double>(box.angle))),
        half_width((static_cast<double>(box.right) - box.left) / 2),
        half_height((static_cast<double>(box.bottom) - box.top) / 2) {}

  /** -1 or 1 along the width and the height. */
  SLUICE_HOST_DEVICE Point Corner(double along, double across) const {
    const double w = along * half_width;
    const double h = across * half_height;
    return {x + w * cosine - h * sine, y + w * sine + h * cosine};
  }
};

/** The box around four mapped corners into columns 0 to 3; whether the corners are finite. */
template <typename Put>
SLUICE_HOST_DEVICE bool MapCorners(const Affine& matrix, const Point corners[4], Put put) {
  Point least = matrix(corners[0].x, corners[0].y);
  Point most = least;
  bool finite = true;
  for (int i = 1; i < 4; i++) {
    const Point corner = matrix(corners[i].x, corners[i].y);
    // Comparisons would pass over what is not a number.
    finite = finite && std::isfinite(corner.x) && std::isfinite(corner.y);
    least = {corner.x < least.x ? corner.x : least.x, corner.y < least.y ? corner.y : least.y};
    most = {corner.x > most.x ? corner.x : most.x, corner.y > most.y ? corner.y : most.y};
  }
  put(0, least.x);
  put(1, least.y);
  put(2, most.x);
  put(3, most.y);
  return finite;
}

/** The turned box in the picture, x y width height angle from column 6 on: exact where the matrix scales both ways alike. */
template <typename Put>
SLUICE_HOST_DEVICE void MapTurned(const Affine& matrix, const TurnedBox& box, Put put) {
  const Point centre = matrix(box.x, box.y);
  const double* m = matrix.m;
  const Point along{m[0] * box.cosine + m[1] * box.sine, m[3] * box.cosine + m[4] * box.sine};
  const Point across{m[1] * box.cosine - m[0] * box.sine, m[4] * box.cosine - m[3] * box.sine};
  put(6, centre.x);
  put(7, centre.y);
  put(8, 2 * std::fabs(box.half_width) * std::sqrt(along.x * along.x + along.y * along.y));
  put(9, 2 * std::fabs(box.half_height) * std::sqrt(across.x * across.x + across.y * across.y));
  put(10, std::atan2(along.y, along.x));
}

/**
 * Maps a candidate to the picture: calls sink(column, value) for each column of its row (see HeadLayout). False when a
 * value overflows a float, and then the row must not be told.
 */
template <Suppression suppression, typename Candidate, typename Sink>
SLUICE_HOST_DEVICE bool MapRow(const HeadLayout& layout, const Candidate& candidate, const HeadScore& score,
                               const HeadBox& box, const Affine& matrix, Sink sink) {
  bool finite = true;
  const auto put = [&](std::int32_t column, double value) {
    const auto rounded = static_cast<float>(value);
    finite = finite && std::isfinite(rounded);
    sink(column, rounded);
  };
  std::int32_t column = 6;
  if (suppression == Suppression::kRotated) {
    const TurnedBox turned(box);
    const Point corners[4] = {turned.Corner(-1, -1), turned.Corner(1, -1), turned.Corner(-1, 1), turned.Corner(1, 1)};
    const bool fits = MapCorners(matrix, corners, put);
    finite = finite && fits;
    MapTurned(matrix, turned, put);
    column += 5;
  } else {
    const Point corners[4] = {
        {box.left, box.top}, {box.right, box.top}, {box.left, box.bottom}, {box.right, box.bottom}};
    const bool fits = MapCorners(matrix, corners, put);
    finite = finite && fits;
  }
  sink(4, score.score);
  sink(5, static_cast<float>(score.label));
  for (std::int32_t i = 0; i < layout.points; i++, column += layout.point_values) {
    const HeadPoint point = candidate.Point(i);
    const Point mapped = matrix(point.x, point.y);
    put(column, mapped.x);
    put(column + 1, mapped.y);
    if (layout.point_values == 3) sink(column + 2, point.score);
  }
  for (std::int32_t i = 0; i < layout.values; i++) sink(column + i, candidate.Value(i));
  return finite;
}

/** Whether a picture asks for a class. */
SLUICE_HOST_DEVICE inline bool Wants(const std::uint32_t* classes, std::int32_t class_words, std::int32_t label) {
  if (classes == nullptr) return true;
  return label / 32 < class_words && (classes[label / 32] >> (label % 32) & 1) != 0;
}

}  // namespace sluice
