#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sluice/flight_limit.h"

namespace sluice::client {

/** Where the frames of a stream come from, one by one; nothing: there are no more. Called from a thread of the stream's. */
template <typename Request>
using Frames = std::function<std::optional<Request>()>;

/**
 * The frames of a stream on their way out. They are kept until the first answer: an attempt of the stream that fails before
 * that is followed by one that sends them again, in order. One sender at a time.
 */
template <typename Request>
class Outbox {
 public:
  Outbox(Request opening, Frames<Request> frames) : opening_(std::move(opening)), frames_(std::move(frames)) {}

  /** Sends all there is, from the first frame on, in the thread of a sender. A write that fails has its reason told by the status. */
  template <typename Call>
  void Send(Call& call, FlightLimit& limit) {
    bool open = call.Write(opening_);
    for (std::size_t index = 0; open && index < kept_.size(); ++index) open = call.Write(kept_[index]);
    try {
      while (open && !exhausted_ && limit.TakeOff()) {
        std::optional<Request> frame = frames_();
        exhausted_ = !frame;
        if (!frame) break;
        open = call.Write(Keep(std::move(*frame)));
      }
    } catch (...) {
      failure_ = std::current_exception();
      exhausted_ = true;
    }
    call.WritesDone();
  }

  /** A frame has been answered: nothing is sent again. From any thread. */
  void Answered() { complete_ = false; }

  /** Whether all that was sent is still here. */
  bool complete() const { return complete_; }

  /** Throws what the frames have thrown, if anything; not while somebody sends. */
  void ThrowFailure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  /** Frames that are kept. Live video, which waits for no answers, may have more than that on their way. */
  static constexpr std::size_t kMostKept = 128;

  const Request& Keep(Request request) {
    if (kept_.size() == kMostKept) complete_ = false;
    if (!complete_) kept_.clear();
    kept_.push_back(std::move(request));
    return kept_.back();
  }

  const Request opening_;
  const Frames<Request> frames_;
  /** While not complete, the last one alone. */
  std::vector<Request> kept_;
  std::atomic<bool> complete_{true};
  bool exhausted_ = false;
  std::exception_ptr failure_;
};

}  // namespace sluice::client
