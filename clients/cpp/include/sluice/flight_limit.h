#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

#include "sluice/v1/inference.pb.h"

namespace sluice::client {

/** How many frames may be sent and not yet answered; one stream's sender waits here. */
class FlightLimit {
 public:
  /**
   * As many frames on their way as the server works on, so that its window never runs empty. Live video must not wait for
   * answers: the server drops what is late.
   */
  explicit FlightLimit(const v1::StreamOptions& options)
      : most_(options.frame_policy() == v1::FRAME_POLICY_LATEST
                  ? std::numeric_limits<std::uint64_t>::max()
                  : 2 * std::uint64_t{options.window() == 0 ? kServerWindow : options.window()}) {}

  /** Waits for room for one more frame. False: the stream has ended. */
  bool TakeOff() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || flying_ < most_; });
    if (closed_) return false;
    ++flying_;
    return true;
  }

  /** A frame has been answered. */
  void Land() {
    const std::lock_guard lock(mutex_);
    --flying_;
    changed_.notify_one();
  }

  /** Frees the sender. */
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

  /** What is flying is sent once more, by another sender. */
  void Reopen() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
  }

 private:
  /** Frames in flight in the server where a stream asks for none; see StreamOptions.window. */
  static constexpr std::uint32_t kServerWindow = 8;

  const std::uint64_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t flying_ = 0;
  bool closed_ = false;
};

}  // namespace sluice::client
