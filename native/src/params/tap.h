#pragma once

#include <cstdint>

#include "params/host_device.h"
#include "params/warp_normalize_params.h"

namespace sluice {

/**
 * Linear interpolation along one axis: the sample is first * first_weight + second * second_weight + constant, where
 * `first` and `second` are neighbours that may be read. A neighbour beyond a constant border has weight 0 and its share
 * in `constant`.
 */
struct Tap {
  std::int32_t first;
  std::int32_t second;
  float first_weight;
  float second_weight;
  float constant;
  /** Neither neighbour is in the window, or just not, or nothing is to be sampled: the sample is the pad. */
  bool outside;
};

/** Sampled nowhere: the pad. */
SLUICE_HOST_DEVICE inline Tap PadTap(float pad) { return {0, 0, 0, 0, pad, true}; }

/** The tap of coordinate `s`, in pixels from the window's start, in a window of `size` pixels. Any `s` is allowed. */
SLUICE_HOST_DEVICE inline Tap MakeTap(double s, std::int32_t size, Border border, float pad) {
  if (border == Border::kReplicate) {
    const double last = size - 1;
    s = s > 0 ? (s < last ? s : last) : 0;  // Not a number becomes 0.
  } else if (!(s > -1 && s < size)) {
    return PadTap(pad);
  }
  std::int32_t first = static_cast<std::int32_t>(s);
  if (s < first) first--;
  Tap tap{first, first + 1, 0, static_cast<float>(s - first), 0, false};
  tap.first_weight = 1 - tap.second_weight;
  if (tap.first < 0) {
    tap.constant = pad * tap.first_weight;
    tap.first = 0;
    tap.first_weight = 0;
  }
  if (tap.second >= size) {
    tap.constant += pad * tap.second_weight;  // 0 where the border replicates.
    tap.second = size - 1;
    tap.second_weight = 0;
  }
  return tap;
}

/** To the nearest whole grey level, halves up. */
SLUICE_HOST_DEVICE inline float RoundLevel(float value) {
  return static_cast<float>(static_cast<std::int32_t>(value + 0.5f));
}

/** The brightness of a colour of whole levels, a whole level too: BT.601, as JPEG and OpenCV have it. */
SLUICE_HOST_DEVICE inline float GrayLevel(float red, float green, float blue) {
  return RoundLevel(red * 0.299f + green * 0.587f + blue * 0.114f);
}

}  // namespace sluice
