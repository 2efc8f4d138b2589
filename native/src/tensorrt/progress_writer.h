#pragma once

#include <mutex>
#include <optional>
#include <string>

namespace sluice::tensorrt {

/** `text` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD. */
std::string JsonString(const std::string& text);

/**
 * Tells a file descriptor how a build goes on, one JSON object a line, as server/runtime/native-gpu.ts says. From any
 * thread, and never in the way of the build: when nobody reads any more, nothing more is written.
 */
class ProgressWriter {
 public:
  /** The caller keeps the descriptor open; none: nothing is written. */
  explicit ProgressWriter(std::optional<int> descriptor) : descriptor_(descriptor) {}
  ProgressWriter(const ProgressWriter&) = delete;
  ProgressWriter& operator=(const ProgressWriter&) = delete;

  /** `fraction` of the whole build is done, 0 to 1. What is told never goes back, nor crawls. */
  void Progress(double fraction, const std::string& phase);
  /** `level` is info, warn or error. */
  void Log(const char* level, const std::string& message);

 private:
  void WriteLine(const std::string& line);

  std::mutex mutex_;
  std::optional<int> descriptor_;
  double fraction_ = -1;
  std::string phase_;
};

}  // namespace sluice::tensorrt
