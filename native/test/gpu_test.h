#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <vector>

#include "cuda/buffer.h"
#include "cuda/stream.h"

namespace sluice::test {

/** A group of like cases. Prints the first few failures and, in the end, one line. */
class Group {
 public:
  explicit Group(const char* name) : name_(name) {}

  void Case() { cases_++; }

  __attribute__((format(printf, 2, 3))) void Fail(const char* format, ...) {
    constexpr int kShown = 8;
    if (failures_++ >= kShown) return;
    std::printf("  %s: ", name_);
    va_list arguments;
    va_start(arguments, format);
    std::vprintf(format, arguments);
    va_end(arguments);
    std::printf("\n");
  }

  /** Prints the line and returns whether nothing failed; a group without a case has failed. */
  __attribute__((format(printf, 2, 3))) bool Finish(const char* format, ...) {
    const bool ok = failures_ == 0 && cases_ > 0;
    std::printf("%s %s: %d cases, %d failures, ", ok ? "ok" : "not ok", name_, cases_, failures_);
    va_list arguments;
    va_start(arguments, format);
    std::vprintf(format, arguments);
    va_end(arguments);
    std::printf("\n");
    std::fflush(stdout);
    return ok;
  }

 private:
  const char* name_;
  int cases_ = 0;
  int failures_ = 0;
};

/** Copies values to the device and waits: the copy of pageable memory returns before it has arrived. */
template <typename T>
T* Upload(cuda::DeviceBuffer* buffer, const std::vector<T>& values) {
  T* memory = buffer->Room<T>(std::max<std::size_t>(values.size(), 1));
  SLUICE_CUDA(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  SLUICE_CUDA(cudaDeviceSynchronize());
  return memory;
}

/** Waits for the device and copies values from it. */
template <typename T>
std::vector<T> Download(const T* memory, std::size_t count) {
  std::vector<T> values(count);
  SLUICE_CUDA(cudaDeviceSynchronize());
  SLUICE_CUDA(cudaMemcpy(values.data(), memory, count * sizeof(T), cudaMemcpyDeviceToHost));
  return values;
}

/** Prints the median time of 50 calls on `stream`, after some that warm up. */
template <typename Work>
void Bench(const char* name, const cuda::Stream& stream, Work work) {
  constexpr int kWarmUps = 5;
  constexpr int kRuns = 50;
  cuda::Event start(cuda::Event::Use::kTiming);
  cuda::Event end(cuda::Event::Use::kTiming);
  std::vector<double> times;
  for (int i = 0; i < kWarmUps + kRuns; i++) {
    start.Record(stream.get());
    work();
    end.Record(stream.get());
    end.Synchronize();
    if (i >= kWarmUps) times.push_back(cuda::MicrosecondsBetween(start, end));
  }
  std::sort(times.begin(), times.end());
  std::printf("bench %s %.1f\n", name, times[kRuns / 2]);
  std::fflush(stdout);
}

/** Each compares one operator with its CPU twin and returns whether all is well. */
bool TestDevices();
bool TestWarp();
bool TestDetections();
bool TestL2Normalize();
bool TestActivate();
bool TestPoolTokens();
bool TestClassMap();
bool TestHeatPeaks();
/** Of files that the GPU should decode, and of others. */
bool TestJpeg(const std::vector<const char*>& paths);

void BenchWarp();
void BenchDetections();
void BenchL2Normalize();
void BenchActivate();
void BenchPoolTokens();
void BenchClassMap();
void BenchHeatPeaks();

}  // namespace sluice::test
