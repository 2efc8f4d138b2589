#pragma once

#include <cstdint>

#include "params/host_device.h"

namespace sluice {

/**
 * BT.601 limited range:
 *   R = 1.164 (Y - 16) + 1.596 (V - 128)
 *   G = 1.164 (Y - 16) - 0.813 (V - 128) - 0.391 (U - 128)
 *   B = 1.164 (Y - 16) + 2.018 (U - 128)
 * each to the nearest grey level, halves up, clamped to 0 to 255. Computed in thousandths, which are whole numbers that
 * a float holds exactly.
 */
struct ChromaTerms {
  float red;
  float green;
  float blue;
};

SLUICE_HOST_DEVICE inline ChromaTerms MakeChromaTerms(std::uint8_t u, std::uint8_t v) {
  const float du = static_cast<float>(u - 128);
  const float dv = static_cast<float>(v - 128);
  return {1596 * dv, -813 * dv - 391 * du, 2018 * du};
}

SLUICE_HOST_DEVICE inline float LumaTerm(std::uint8_t y) { return static_cast<float>(1164 * (y - 16)); }

/** A grey level from the sum of both terms. */
SLUICE_HOST_DEVICE inline std::uint8_t LevelOf(float thousandths) {
  // Half a thousandth keeps the product away from whole numbers, so that its rounding never shows.
  const float raised = thousandths + 500.5f;
  const float floored = raised < 0.5f ? 0.5f : raised;
  const float rounded = floored > 255000.5f ? 255000.5f : floored;
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(rounded * 0.001f));
}

}  // namespace sluice
