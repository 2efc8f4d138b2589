#pragma once

#include <grpcpp/grpcpp.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "sluice/flight_limit.h"

namespace sluice::client {

/** A call that failed as a whole: a gRPC status. */
class CallError : public std::runtime_error {
 public:
  explicit CallError(const grpc::Status& status) : std::runtime_error(status.error_message()), code_(status.error_code()) {}

  grpc::StatusCode code() const { return code_; }

 private:
  grpc::StatusCode code_;
};

/** Where the frames of a stream come from, one by one; nothing: there are no more. Called from a thread of the stream's. */
template <typename Request>
using Frames = std::function<std::optional<Request>()>;

/**
 * One stream of frames and their answers, which come in the order of the frames. For one thread; only Cancel may be called
 * from others. Leaving it cancels what has not been answered, and waits until the frames have returned.
 *
 * A frame that failed is answered with `frame().error()`, and the stream goes on. A stream that failed throws CallError. What
 * the frames throw is thrown by Next, after the answers to the frames before.
 */
template <typename Request, typename Response>
class Stream {
 public:
  using Call = grpc::ClientReaderWriter<Request, Response>;

  /** `opening` carries the options alone, so that mistakes in them are told even where there is no frame. */
  Stream(std::unique_ptr<grpc::ClientContext> context, std::unique_ptr<Call> call, Request opening,
         Frames<Request> frames)
      : limit_(opening.options().stream()), context_(std::move(context)), call_(std::move(call)) {
    sender_ = std::thread([this, opening = std::move(opening), frames = std::move(frames)] { Send(opening, frames); });
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
    if (!sender_.joinable()) return std::nullopt;
    if (call_->Read(&answer)) {
      limit_.Land();
      return answer;
    }
    limit_.Close();
    const grpc::Status status = End();
    if (!status.ok()) throw CallError(status);
    if (failure_) std::rethrow_exception(failure_);
    return std::nullopt;
  }

  /** Ends the stream with CANCELLED. */
  void Cancel() { context_->TryCancel(); }

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
  /** Runs in the sender. A write that fails has its reason told by the status. */
  void Send(const Request& opening, const Frames<Request>& frames) {
    bool open = call_->Write(opening);
    try {
      while (open && limit_.TakeOff()) {
        const std::optional<Request> frame = frames();
        if (!frame) break;
        open = call_->Write(*frame);
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    call_->WritesDone();
  }

  grpc::Status End() {
    sender_.join();
    return call_->Finish();
  }

  FlightLimit limit_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Call> call_;
  /** What the frames threw; read once the sender has ended. */
  std::exception_ptr failure_;
  std::thread sender_;
};

}  // namespace sluice::client
