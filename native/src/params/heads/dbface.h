#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/** Network pixels per cell of DBFace's maps. */
constexpr std::int32_t kDbFaceStride = 4;
constexpr std::int32_t kDbFacePoints = 5;

/**
 * DBFace (https://github.com/dlunion/DBFace): maps of h x w cells for each picture: `hm` [1, h, w], the score; `pool_hm`
 * [1, h, w], the largest score of the 3x3 cells around; `tlrb` [4, h, w], distances of the edges left, top, right and
 * bottom from the cell, in cells; `landmark` [10, h, w], x of five points, then y. Small variants have no `pool_hm`; then
 * the head looks at the cells around itself.
 *
 * A cell is a face where its score is the maximum around it. Row and column of a cell come from the width of the map;
 * known decoders divide by its height, which is wrong for all but square inputs.
 */
struct DbFaceHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;

  const float* heat;
  /** Null: there is no such output. */
  const float* pool;
  const float* edges;
  const float* landmarks;
  std::int32_t width;
  std::int32_t height;

  SLUICE_HOST_DEVICE HeadLayout layout() const {
    HeadLayout layout;
    layout.points = kDbFacePoints;
    return layout;
  }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const {
    return static_cast<std::uint32_t>(width) * static_cast<std::uint32_t>(height);
  }
  SLUICE_HOST_DEVICE DbFaceHead Picture(std::int32_t index) const {
    const std::ptrdiff_t maps = static_cast<std::ptrdiff_t>(index) * candidates();
    return {heat + maps,  pool == nullptr ? nullptr : pool + maps, edges + 4 * maps, landmarks + 2 * kDbFacePoints * maps,
            width, height};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    *score = {heat[candidate], 0};
    return score->score > floor && IsPeak(candidate);
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const double x = Column(candidate);
    const double y = Row(candidate);
    return {static_cast<float>((x - Map(edges, 0, candidate)) * kDbFaceStride),
            static_cast<float>((y - Map(edges, 1, candidate)) * kDbFaceStride),
            static_cast<float>((x + Map(edges, 2, candidate)) * kDbFaceStride),
            static_cast<float>((y + Map(edges, 3, candidate)) * kDbFaceStride), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t candidate, std::int32_t i) const {
    const double x = Column(candidate) + Stretch(Map(landmarks, i, candidate) * kDbFaceStride);
    const double y = Row(candidate) + Stretch(Map(landmarks, kDbFacePoints + i, candidate) * kDbFaceStride);
    return {static_cast<float>(x * kDbFaceStride), static_cast<float>(y * kDbFaceStride), 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

  SLUICE_HOST_DEVICE double Column(std::uint32_t cell) const { return cell % static_cast<std::uint32_t>(width); }
  SLUICE_HOST_DEVICE double Row(std::uint32_t cell) const { return cell / static_cast<std::uint32_t>(width); }

  SLUICE_HOST_DEVICE double Map(const float* maps, std::int32_t map, std::uint32_t cell) const {
    return maps[static_cast<std::size_t>(map) * candidates() + cell];
  }

  /** Steep far from the cell and straight near it: e * v up to 1, exp(v) beyond, and the same below 0. */
  SLUICE_HOST_DEVICE static double Stretch(double v) {
    constexpr double kE = 2.718281828459045;
    const double size = std::fabs(v);
    if (size < 1) return v * kE;
    return v < 0 ? -std::exp(size) : std::exp(size);
  }

  /** Whether no score of the 3x3 cells around is above the cell's. What is not a number is above none. */
  SLUICE_HOST_DEVICE bool IsPeak(std::uint32_t cell) const {
    if (pool != nullptr) return heat[cell] == pool[cell];
    const auto column = static_cast<std::int32_t>(cell % static_cast<std::uint32_t>(width));
    const auto row = static_cast<std::int32_t>(cell / static_cast<std::uint32_t>(width));
    for (std::int32_t y = row == 0 ? 0 : row - 1; y <= row + 1 && y < height; y++) {
      for (std::int32_t x = column == 0 ? 0 : column - 1; x <= column + 1 && x < width; x++) {
        if (heat[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] >
            heat[cell]) {
          return false;
        }
      }
    }
    return true;
  }
};

/** `outputs`: the addresses for the first picture of a batch; empty where only the shapes are to be checked. */
DbFaceHead MakeDbFace(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                      const std::vector<const float*>& outputs);

}  // namespace sluice
