#pragma once

#include <cstddef>

namespace sluice {

/** Floats that the caller owns and keeps alive during the call. */
struct FloatView {
  const float* data;
  std::size_t length;
};

/** The same, to be written. */
struct MutableFloatView {
  float* data;
  std::size_t length;
};

}  // namespace sluice
