#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>

namespace sluice::client {

/**
 * The waits before a stream is tried again: three, of 0.1, 0.2 and 0.4 s or less. It is not left to gRPC: seen with 1.51 and
 * 1.85, it crashes over streams whose frames do not fit its buffer, or ends them with OK and without answers.
 */
class RetryPause {
 public:
  /** False, at once: there have been three, or it was cancelled. */
  bool Wait() {
    std::unique_lock lock(mutex_);
    if (taken_ == kMost) return false;
    const std::chrono::milliseconds longest(100 << taken_++);
    const auto pause = longest * std::uniform_real_distribution<>()(random_);
    return !changed_.wait_for(lock, pause, [this] { return cancelled_; });
  }

  /** From any thread. */
  void Cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  static constexpr int kMost = 3;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::minstd_rand random_{std::random_device()()};
  int taken_ = 0;
  bool cancelled_ = false;
};

}  // namespace sluice::client
