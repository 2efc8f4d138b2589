#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include "cuda/check.h"

namespace sluice::cuda {

/** A stream of the current device that does not wait for the default stream. Move-only. */
class Stream {
 public:
  /** The blocks of a kernel on a kHigh stream go before those of others that wait for a multiprocessor. */
  enum class Priority { kNormal, kHigh };

  explicit Stream(Priority priority = Priority::kNormal) {
    int least = 0;
    int greatest = 0;
    SLUICE_CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    const int chosen = priority == Priority::kHigh ? greatest : least;
    SLUICE_CUDA(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, chosen));
  }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  ~Stream() {
    if (stream_ != nullptr) CheckQuietly(cudaStreamDestroy(stream_), "cudaStreamDestroy");
  }

  cudaStream_t get() const& { return stream_; }
  void Synchronize() const { SLUICE_CUDA(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

/** A point of a stream that hosts and other streams can wait for. Move-only. */
class Event {
 public:
  /** kTiming can be measured between; kWaiting is cheaper. A thread that waits for either sleeps. */
  enum class Use { kTiming, kWaiting };

  explicit Event(Use use) {
    const unsigned flags = cudaEventBlockingSync | (use == Use::kTiming ? 0u : cudaEventDisableTiming);
    SLUICE_CUDA(cudaEventCreateWithFlags(&event_, flags));
  }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&&) = delete;
  ~Event() {
    if (event_ != nullptr) CheckQuietly(cudaEventDestroy(event_), "cudaEventDestroy");
  }

  cudaEvent_t get() const& { return event_; }
  void Record(cudaStream_t stream) { SLUICE_CUDA(cudaEventRecord(event_, stream)); }
  void Synchronize() const { SLUICE_CUDA(cudaEventSynchronize(event_)); }
  /** The same for work of `rows` pictures: waits for a few of them awake, since falling asleep and waking take as long. */
  void SynchronizeFor(std::size_t rows) const {
    constexpr std::size_t kFew = 2;
    constexpr std::chrono::milliseconds kAwake{1};
    if (rows <= kFew) {
      const auto asleep = std::chrono::steady_clock::now() + kAwake;
      while (std::chrono::steady_clock::now() < asleep) {
        if (Passed()) return;
      }
    }
    Synchronize();
  }
  /** Whether what was recorded, if anything, has ended. */
  bool Passed() const {
    const cudaError_t status = cudaEventQuery(event_);
    if (status != cudaErrorNotReady) SLUICE_CUDA(status);
    // The runtime would otherwise hand the answer on as the error of the next launch.
    else cudaGetLastError();
    return status == cudaSuccess;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/** Makes what is enqueued to `stream` from here on wait for `event`. */
inline void WaitFor(cudaStream_t stream, const Event& event) { SLUICE_CUDA(cudaStreamWaitEvent(stream, event.get(), 0)); }

/** Microseconds between two recorded timing events that have passed. */
inline double MicrosecondsBetween(const Event& start, const Event& end) {
  float milliseconds = 0;
  SLUICE_CUDA(cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
  return milliseconds * 1000.0;
}

}  // namespace sluice::cuda
