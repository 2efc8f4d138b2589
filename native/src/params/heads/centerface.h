#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * CenterFace (https://arxiv.org/abs/1911.03599): maps at stride 4, whose every cell is a candidate; there is no search
 * for local maxima, non-maximum suppression does that work. In network pixels: centre = (cell + offset + 0.5) * 4,
 * size = exp(scale) * 4, landmark = top left corner + part * size.
 */
struct CenterFaceHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  static constexpr int kStride = 4;
  static constexpr int kPoints = 5;

  /** 1 map: score. */
  const float* heat;
  /** 2 maps: log(height / stride), log(width / stride). */
  const float* scale;
  /** 2 maps: the centre within the cell, y then x, in cells. */
  const float* offset;
  /** 10 maps: y0 x0 .. y4 x4 as parts of the box. */
  const float* landmarks;
  /** Of each map. */
  std::size_t cells;
  std::int32_t columns;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {false, kPoints, 2, 0}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(cells); }

  SLUICE_HOST_DEVICE CenterFaceHead Picture(std::int32_t index) const {
    const std::size_t place = static_cast<std::size_t>(index) * cells;
    CenterFaceHead head = *this;
    head.heat += place;
    head.scale += 2 * place;
    head.offset += 2 * place;
    head.landmarks += 2 * kPoints * place;
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t cell, float floor, HeadScore* score) const {
    *score = {Load(heat + cell), 0};
    return score->score > floor;
  }

  /** A cell whose box is known: the landmarks are parts of it. */
  struct Face {
    const float* landmarks;
    std::size_t cells;
    double left;
    double top;
    double width;
    double height;

    SLUICE_HOST_DEVICE HeadBox Box() const {
      return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(left + width),
              static_cast<float>(top + height), 0};
    }

    SLUICE_HOST_DEVICE HeadPoint Point(std::int32_t i) const {
      const double y = Load(landmarks + static_cast<std::size_t>(2 * i) * cells);
      const double x = Load(landmarks + static_cast<std::size_t>(2 * i + 1) * cells);
      return {left + x * width, top + y * height, 0};
    }

    SLUICE_HOST_DEVICE float Value(std::int32_t) const { return 0; }
  };

  SLUICE_HOST_DEVICE Face Open(std::uint32_t cell) const {
    const double row = static_cast<std::int32_t>(cell) / columns;
    const double column = static_cast<std::int32_t>(cell) % columns;
    const double center_y = (row + Load(offset + cell) + 0.5) * kStride;
    const double center_x = (column + Load(offset + cells + cell) + 0.5) * kStride;
    const double height = std::exp(static_cast<double>(Load(scale + cell))) * kStride;
    const double width = std::exp(static_cast<double>(Load(scale + cells + cell))) * kStride;
    return {landmarks + cell, cells, center_x - width / 2, center_y - height / 2, width, height};
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t cell) const { return Open(cell).Box(); }
  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t cell, std::int32_t i) const { return Open(cell).Point(i); }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

CenterFaceHead MakeCenterFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                  const std::vector<const float*>& data);

}  // namespace sluice
