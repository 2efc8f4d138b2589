#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * What DBFace (https://github.com/dlunion/DBFace) tells: maps of h x w cells: `hm` [1, h, w], the score; `pool_hm` [1,
 * h, w], the largest score of the 3x3 cells around; `tlrb` [4, h, w], distances of the edges left, top, right and
 * bottom from the cell, in cells; `landmark` [10, h, w], x of five points, then y. Small variants have no `pool_hm`:
 * then the head looks at the cells around itself. In network pixels: edge = (cell -+ distance) * 4, point = (cell +
 * stretched(4 * value)) * 4.
 *
 * A cell is a face where its score is the maximum around it. Its row and column come from the width of the map; known
 * decoders divide by the height, which is wrong for all but square inputs.
 */
struct DbFaceHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  /** Network pixels per cell. */
  static constexpr std::int32_t kStride = 4;
  static constexpr std::int32_t kPoints = 5;

  const float* heat;
  /** Null: the model does not tell. */
  const float* pool;
  const float* edges;
  const float* landmarks;
  /** Of the maps. */
  std::int32_t columns;
  std::int32_t rows;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {false, kPoints, 2, 0}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(columns * rows); }

  SLUICE_HOST_DEVICE DbFaceHead Picture(std::int32_t index) const {
    const std::size_t cells = static_cast<std::size_t>(index) * candidates();
    return {heat + cells,  pool == nullptr ? nullptr : pool + cells, edges + 4 * cells, landmarks + 2 * kPoints * cells,
            columns, rows};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t cell, float floor, HeadScore* score) const {
    *score = {Load(heat + cell), 0};
    return score->score > floor && IsPeak(cell, score->score);
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t cell) const {
    const double x = Column(cell);
    const double y = Row(cell);
    return {static_cast<float>((x - At(edges, 0, cell)) * kStride),
            static_cast<float>((y - At(edges, 1, cell)) * kStride),
            static_cast<float>((x + At(edges, 2, cell)) * kStride),
            static_cast<float>((y + At(edges, 3, cell)) * kStride), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t cell, std::int32_t i) const {
    return {(Column(cell) + Stretched(At(landmarks, i, cell) * kStride)) * kStride,
            (Row(cell) + Stretched(At(landmarks, kPoints + i, cell) * kStride)) * kStride, 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

 private:
  SLUICE_HOST_DEVICE std::int32_t Column(std::uint32_t cell) const { return static_cast<std::int32_t>(cell) % columns; }
  SLUICE_HOST_DEVICE std::int32_t Row(std::uint32_t cell) const { return static_cast<std::int32_t>(cell) / columns; }

  SLUICE_HOST_DEVICE double At(const float* maps, std::int32_t map, std::uint32_t cell) const {
    return Load(maps + static_cast<std::size_t>(map) * candidates() + cell);
  }

  /** e * v where v is within -1 and 1, and beyond e to the power of its size, with its sign. */
  SLUICE_HOST_DEVICE static double Stretched(double v) {
    constexpr double kE = 2.718281828459045;
    const double size = std::fabs(v);
    if (size < 1) return v * kE;
    return v < 0 ? -std::exp(size) : std::exp(size);
  }

  /** Whether no cell around has more; what is not a number is not more. */
  SLUICE_HOST_DEVICE bool IsPeak(std::uint32_t cell, float score) const {
    if (pool != nullptr) return score == Load(pool + cell);
    const std::int32_t column = Column(cell);
    const std::int32_t row = Row(cell);
    for (std::int32_t y = row > 0 ? row - 1 : 0; y <= row + 1 && y < rows; y++) {
      for (std::int32_t x = column > 0 ? column - 1 : 0; x <= column + 1 && x < columns; x++) {
        if (Load(heat + y * columns + x) > score) return false;
      }
    }
    return true;
  }
};

/** Outputs are found by their names, else by their shapes; then `hm` comes before `pool_hm`. */
DbFaceHead MakeDbFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data);

}  // namespace sluice
