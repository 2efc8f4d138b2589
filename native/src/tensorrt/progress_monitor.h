#pragma once

#include <NvInfer.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tensorrt/progress_writer.h"

#if NV_TENSORRT_MAJOR >= 10
namespace sluice::tensorrt {

/**
 * Turns TensorRT's nested phases, each of which is a step of another one, into one number. Called from the builder's
 * threads.
 */
class ProgressMonitor final : public nvinfer1::IProgressMonitor {
 public:
  /** The build lies between `begin` and `end` of the whole. It is stopped at the next step once `stop` answers true. */
  ProgressMonitor(ProgressWriter& writer, double begin, double end, std::function<bool()> stop);

  void phaseStart(const char* phase, const char* parent, std::int32_t steps) noexcept override;
  bool stepComplete(const char* phase, std::int32_t step) noexcept override;
  void phaseFinish(const char* phase) noexcept override;

 private:
  struct Phase {
    std::string name;
    std::string parent;
    std::int32_t steps;
    std::int32_t done;
  };

  /** With the mutex held. */
  double FractionOf(const Phase& phase) const;
  void Tell(const char* phase);

  ProgressWriter& writer_;
  const double begin_;
  const double end_;
  const std::function<bool()> stop_;
  std::mutex mutex_;
  /** Those under way, the outermost first. */
  std::vector<Phase> phases_;
};

}  // namespace sluice::tensorrt
#endif
