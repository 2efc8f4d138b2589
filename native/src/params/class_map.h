#pragma once

#include <cmath>
#include <cstdint>

#include "params/affine.h"
#include "params/host_device.h"

namespace sluice {

/** What the scores of a segmentation are, and so how they become probabilities. */
enum class ClassActivation { kNone, kSoftmax, kSigmoid };

/** The output of a segmentation for one picture: `planes` scores for each of `rows` x `columns` cells. Plain data. */
struct ClassScores {
  const float* data;
  std::int32_t planes;
  std::int32_t rows;
  std::int32_t columns;
  /** Planes lie one after the other (CHW); else the scores of a cell do (HWC). */
  bool planar;
  ClassActivation activation;

  SLUICE_HOST_DEVICE std::int64_t cells() const { return std::int64_t{rows} * columns; }
  SLUICE_HOST_DEVICE float at(std::int64_t cell, std::int32_t plane) const {
    return planar ? data[plane * cells() + cell] : data[cell * planes + plane];
  }
};

/** Most classes of a map: it has a byte for each pixel. */
constexpr std::int32_t kMostMapClasses = 256;

/** A single plane tells an object, class 1, from the background, class 0. */
SLUICE_HOST_DEVICE inline std::int32_t MapClasses(const ClassScores& scores) {
  return scores.planes == 1 ? 2 : scores.planes;
}

/** The best class of a cell, and 255 times its probability, rounded. */
struct CellClass {
  std::uint8_t label;
  std::uint8_t probability;
};

SLUICE_HOST_DEVICE inline std::uint8_t ProbabilityLevel(double probability) {
  // Also 0 for what is not a number.
  if (!(probability > 0)) return 0;
  return static_cast<std::uint8_t>(probability < 1 ? std::floor(probability * 255 + 0.5) : 255);
}

/** Of equal scores the first wins; scores that are not numbers lose. */
SLUICE_HOST_DEVICE inline CellClass BestClass(const ClassScores& scores, std::int64_t cell) {
  const double first = scores.at(cell, 0);
  if (scores.planes == 1) {
    const double object = scores.activation == ClassActivation::kNone ? first : 1 / (1 + std::exp(-first));
    if (object > 0.5) return {1, ProbabilityLevel(object)};
    return {0, ProbabilityLevel(1 - object)};
  }
  std::int32_t label = 0;
  double best = -INFINITY;
  for (std::int32_t plane = 0; plane < scores.planes; plane++) {
    const double score = scores.at(cell, plane);
    if (!(score > best)) continue;
    best = score;
    label = plane;
  }
  // No score is a number.
  if (best == -INFINITY) return {0, 0};
  double probability = best;
  if (scores.activation == ClassActivation::kSigmoid) probability = 1 / (1 + std::exp(-best));
  if (scores.activation == ClassActivation::kSoftmax) {
    double sum = 0;
    for (std::int32_t plane = 0; plane < scores.planes; plane++) {
      const double score = scores.at(cell, plane);
      if (score == score) sum += score == best ? 1 : std::exp(score - best);
    }
    probability = 1 / sum;
  }
  return {static_cast<std::uint8_t>(label), ProbabilityLevel(probability)};
}

/** The cell that a pixel of the picture lies in, or the nearest one. */
SLUICE_HOST_DEVICE inline std::int64_t CellOf(const Affine& to_cells, std::int32_t x, std::int32_t y,
                                              const ClassScores& scores) {
  const Point at = to_cells(x, y);
  const double column = std::floor(at.x + 0.5);
  const double row = std::floor(at.y + 0.5);
  const double last_column = scores.columns - 1;
  const double last_row = scores.rows - 1;
  const double within_column = column > 0 ? (column < last_column ? column : last_column) : 0;
  const double within_row = row > 0 ? (row < last_row ? row : last_row) : 0;
  return static_cast<std::int64_t>(within_row) * scores.columns + static_cast<std::int64_t>(within_column);
}

}  // namespace sluice
