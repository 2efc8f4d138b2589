#pragma once

#include <NvInfer.h>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "tensorrt/build_engine.h"
#include "tensorrt/calibration_feed.h"

namespace sluice::tensorrt {

/**
 * Feeds TensorRT's INT8 calibration, or answers it from a cache file that an earlier one has left. TensorRT calls it
 * from the thread that builds, and cannot be told of failures: they are kept for RethrowError. Outlives the build.
 */
class Calibrator {
 public:
  /** Without a cache file the batches are looked for at once. Throws Error kModelInvalid. */
  Calibrator(const CalibrationSpec& spec, std::vector<CalibrationTensor> tensors);
  ~Calibrator();

  /** Calibrates a build with batches of `profile`. Throws Error; from TensorRT 11 on always, as it has none. */
  void Attach(nvinfer1::IBuilderConfig& config, const nvinfer1::IOptimizationProfile& profile);

  /** Whether something has gone wrong, so that the build may as well stop. From any thread. */
  bool failed() const { return failed_; }
  /** Throws what went wrong first, if anything did: the reason why the build failed, or is not to be trusted. */
  void RethrowError() const;

  // What TensorRT's interfaces ask for.
  std::int32_t batch_size() const { return spec_.batch_size; }
  bool GetBatch(void** bindings, const char* const* names, std::int32_t count) noexcept;
  const void* ReadCache(std::size_t& bytes) const noexcept;
  void WriteCache(const void* data, std::size_t bytes) noexcept;

 private:
  const CalibrationSpec spec_;
  const std::vector<CalibrationTensor> tensors_;
  std::optional<std::vector<char>> cache_;
  std::optional<CalibrationFeed> feed_;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
#if NV_TENSORRT_MAJOR < 11
  std::unique_ptr<nvinfer1::IInt8Calibrator> interface_;
#endif
};

}  // namespace sluice::tensorrt
