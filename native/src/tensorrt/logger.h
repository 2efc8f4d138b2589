#pragma once

#include <NvInfer.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "params/error.h"

namespace sluice::tensorrt {

[[noreturn]] void Fail(const std::string& what);

/** Where TensorRT says what it does: one for the process, alive until its end, from any thread. */
class Logger final : public nvinfer1::ILogger {
 public:
  using Sink = std::function<void(Severity severity, const std::string& text)>;

  static Logger& Instance();

  void log(Severity severity, const nvinfer1::AsciiChar* text) noexcept override;

  /** What a null return means: the errors since the last call, in their order, as one line; empty: there was none. */
  std::string TakeErrors();
  /** Whether TakeErrors would tell any. */
  bool HasErrors();
  /** The warnings since the last call, each once. */
  std::vector<std::string> TakeWarnings();
  /**
   * Also tells everything from kINFO up to `sink`, one thread at a time; null: no longer, and no call is under way when
   * this returns. The sink calls neither the logger nor TensorRT.
   */
  void Forward(Sink sink);

 private:
  friend void Fail(const std::string& what);

  struct Errors {
    std::vector<std::string> texts;
    /** Of the gravest one. */
    ErrorCode code = ErrorCode::kModelInvalid;
  };

  Logger() = default;
  Errors Take();

  std::mutex mutex_;
  Errors errors_;
  std::vector<std::string> warnings_;
  std::mutex sink_mutex_;
  Sink sink_;
};

/**
 * Throws Error kModelInvalid: `what`, then what the logger heard. Out of memory, lost devices and a missing GPU or
 * driver have codes of their own.
 */
[[noreturn]] void Fail(const std::string& what);

/** `value`, or Fail where it is null. */
template <typename T>
T Require(T value, const std::string& what) {
  if (value == nullptr) Fail(what);
  return value;
}

}  // namespace sluice::tensorrt
