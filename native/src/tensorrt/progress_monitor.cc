#include "tensorrt/progress_monitor.h"

#if NV_TENSORRT_MAJOR >= 10
#include <algorithm>
#include <utility>

namespace sluice::tensorrt {

ProgressMonitor::ProgressMonitor(ProgressWriter& writer, double begin, double end, std::function<bool()> stop)
    : writer_(writer), begin_(begin), end_(end), stop_(std::move(stop)) {}

void ProgressMonitor::phaseStart(const char* phase, const char* parent, std::int32_t steps) noexcept try {
  const std::lock_guard<std::mutex> lock(mutex_);
  phases_.push_back({phase, parent == nullptr ? "" : parent, std::max(steps, 1), 0});
  Tell(phase);
} catch (...) {
  // Without memory the bar stands still, and the build goes on.
}

bool ProgressMonitor::stepComplete(const char* phase, std::int32_t step) noexcept try {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Phase& one : phases_) {
      if (one.name == phase) one.done = std::max(one.done, step + 1);
    }
    Tell(phase);
  }
  return !stop_();
} catch (...) {
  return true;
}

void ProgressMonitor::phaseFinish(const char* phase) noexcept try {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Phase& one : phases_) {
    if (one.name == phase) one.done = one.steps;
  }
  Tell(phase);
  phases_.erase(std::remove_if(phases_.begin(), phases_.end(), [&](const Phase& one) { return one.name == phase; }),
                phases_.end());
} catch (...) {
  // As above.
}

double ProgressMonitor::FractionOf(const Phase& phase) const {
  double done = phase.done;
  // A child started after its parent, whatever their names say: this ends.
  for (const Phase& child : phases_) {
    if (&child > &phase && child.parent == phase.name) done += FractionOf(child);
  }
  return std::min(done / phase.steps, 1.0);
}

void ProgressMonitor::Tell(const char* phase) {
  if (phases_.empty()) return;
  writer_.Progress(begin_ + (end_ - begin_) * FractionOf(phases_.front()), phase);
}

}  // namespace sluice::tensorrt
#endif
