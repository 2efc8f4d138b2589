#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "sluice/flight_limit.h"
#include "sluice/outbox.h"
#include "sluice/retry_pause.h"

namespace sluice::client {

/** A call that failed as a whole: a gRPC status. */
class CallError : public std::runtime_error {
 public:
  explicit CallError(const grpc::Status& status) : std::runtime_error(status.error_message()), code_(status.error_code()) {}

  grpc::StatusCode code() const { return code_; }

 private:
  grpc::StatusCode code_;
};

/**
 * One stream of frames and their answers, which come in the order of the frames. For one thread; only Cancel may be called
 * from others. Leaving it cancels what has not been answered, and waits until the frames have returned.
 *
 * A frame that failed is answered with `frame().error()`, and the stream goes on. A stream that failed throws CallError; with
 * UNAVAILABLE before its first answer it is tried again first, three times at most. What the frames throw is thrown by Next,
 * after the answers to the frames before.
 */
template <typename Request, typename Response>
class Stream {
 public:
  using Call = grpc::ClientReaderWriter<Request, Response>;
  /** Begins an attempt of the call, in a context of its own. */
  using Open = std::function<std::unique_ptr<Call>(grpc::ClientContext*)>;

  /** `opening` carries the options alone, so that mistakes in them are told even where there is no frame. */
  Stream(Open open, Request opening, Frames<Request> frames)
      : limit_(opening.options().stream()),
        open_(std::move(open)),
        outbox_(std::move(opening), std::move(frames)) {
    Begin();
  }

  ~Stream() {
    Cancel();
    limit_.Close();
    if (sender_.joinable()) End();
  }

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /** The next answer, waited for; nothing: every frame has been answered. Throws CallError, or what the frames threw. */
  std::optional<Response> Next() {
    Response answer;
    while (sender_.joinable()) {
      if (call_->Read(&answer)) {
        outbox_.Answered();
        limit_.Land();
        return answer;
      }
      limit_.Close();
      const grpc::Status status = End();
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE && outbox_.complete() && pause_.Wait()) {
        limit_.Reopen();
        Begin();
        continue;
      }
      if (!status.ok()) throw CallError(status);
      outbox_.ThrowFailure();
    }
    return std::nullopt;
  }

  /** Ends the stream with CANCELLED, or UNAVAILABLE where it waits to be tried again. */
  void Cancel() {
    pause_.Cancel();
    const std::lock_guard lock(mutex_);
    if (context_) context_->TryCancel();
  }

  /** The answers, for a range-based for; once. */
  class Iterator {
   public:
    explicit Iterator(Stream* stream) : stream_(stream) { ++*this; }
    Iterator() = default;

    const Response& operator*() const { return *answer_; }
    const Response* operator->() const { return &*answer_; }
    Iterator& operator++() {
      answer_ = stream_->Next();
      return *this;
    }
    bool operator!=(const Iterator&) const { return answer_.has_value(); }

   private:
    Stream* stream_ = nullptr;
    std::optional<Response> answer_;
  };

  Iterator begin() { return Iterator(this); }
  Iterator end() { return Iterator(); }

 private:
  void Begin() {
    {
      const std::lock_guard lock(mutex_);
      // The call of before goes first: it lives in its context.
      call_.reset();
      context_ = std::make_unique<grpc::ClientContext>();
      call_ = open_(context_.get());
      if (pause_.cancelled()) context_->TryCancel();
    }
    sender_ = std::thread([this] { outbox_.Send(*call_, limit_); });
  }

  grpc::Status End() {
    sender_.join();
    return call_->Finish();
  }

  FlightLimit limit_;
  const Open open_;
  Outbox<Request> outbox_;
  RetryPause pause_;
  /** Over the change of the next two, for Cancel. */
  std::mutex mutex_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Call> call_;
  std::thread sender_;
};

}  // namespace sluice::client
