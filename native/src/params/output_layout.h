#pragma once

#include <cstdint>

#include "params/host_device.h"

namespace sluice {

/** Where the values of a warp lie. Plain data, for kernels too. */
struct OutputLayout {
  /** Of the destination, in pixels; even with `focus`. */
  std::int32_t width;
  std::int32_t height;
  /** Values of a pixel, each in a plane of its own. */
  std::int32_t channels;
  /**
   * As YOLO's Focus layer has it: four groups of planes of half the width and height. Column dx and row dy belong to
   * group 2 * (dx % 2) + dy % 2.
   */
  bool focus;

  /** Floats of all planes. */
  SLUICE_HOST_DEVICE std::int64_t length() const { return std::int64_t{channels} * width * height; }

  /** Floats from one plane to the next. */
  SLUICE_HOST_DEVICE std::int64_t plane() const {
    return focus ? std::int64_t{height / 2} * (width / 2) : std::int64_t{height} * width;
  }

  /** Where the first value of a pixel is. */
  SLUICE_HOST_DEVICE std::int64_t at(std::int32_t dx, std::int32_t dy) const {
    if (!focus) return std::int64_t{dy} * width + dx;
    const std::int32_t group = 2 * (dx & 1) + (dy & 1);
    return group * channels * plane() + std::int64_t{dy / 2} * (width / 2) + dx / 2;
  }
};

}  // namespace sluice
