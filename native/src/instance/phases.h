#pragma once

namespace sluice {

/** Microseconds on the device. */
struct GpuPhases {
  double decode;
  double preprocess;
  double infer;
  double postprocess;
};

}  // namespace sluice
