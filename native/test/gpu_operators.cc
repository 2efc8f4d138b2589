/**
 * Compares the CUDA operators with their CPU twins on random input, and times them.
 *
 *   gpu_operators_test [JPEG..]
 *
 * Prints a line `ok NAME: ..` or `not ok NAME: ..` for each group, `bench NAME MICROSECONDS` for each timing, and ends
 * with 1 when something is not ok.
 */
#include <cstdio>
#include <exception>

#include "gpu_test.h"

namespace {

bool Run(const char* name, bool (*test)()) {
  try {
    return test();
  } catch (const std::exception& error) {
    std::printf("not ok %s: %s\n", name, error.what());
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::test;
  static const std::vector<const char*> paths(argv + 1, argv + argc);
  bool ok = Run("devices", TestDevices);
  if (!ok) return 1;
  ok = Run("warp", TestWarp) && ok;
  ok = Run("detections", TestDetections) && ok;
  ok = Run("l2_normalize", TestL2Normalize) && ok;
  ok = Run("activate", TestActivate) && ok;
  ok = Run("pool_tokens", TestPoolTokens) && ok;
  ok = Run("class_map", TestClassMap) && ok;
  ok = Run("heat_peaks", TestHeatPeaks) && ok;
  ok = Run("jpeg", [] { return TestJpeg(paths); }) && ok;
  ok = Run("bench", [] {
         BenchWarp();
         BenchDetections();
         BenchL2Normalize();
         BenchActivate();
         BenchPoolTokens();
         BenchClassMap();
         BenchHeatPeaks();
         return true;
       }) && ok;
  return ok ? 0 : 1;
}
