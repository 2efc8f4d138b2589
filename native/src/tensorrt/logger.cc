#include "tensorrt/logger.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "params/error.h"

namespace sluice::tensorrt {
namespace {

/** What is kept between two calls of TakeErrors or TakeWarnings, so that nobody's forgetting them fills the memory. */
constexpr std::size_t kMostErrors = 16;
constexpr std::size_t kMostWarnings = 64;
/** Characters of one text, and of the errors together. */
constexpr std::size_t kLongestText = 600;
constexpr std::size_t kLongestErrors = 2000;

std::string Cut(std::string text, std::size_t longest) {
  if (text.size() <= longest) return text;
  // Not within a character of UTF-8.
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0) == 0x80) longest--;
  return text.substr(0, longest) + "...";
}

/** One line without white space at its ends. */
std::string Line(const char* text) {
  std::string line(text == nullptr ? "" : text);
  for (char& letter : line) {
    if (static_cast<unsigned char>(letter) < ' ') letter = ' ';
  }
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return Cut(line.substr(begin, line.find_last_not_of(' ') - begin + 1), kLongestText);
}

void AddOnce(std::vector<std::string>& texts, const std::string& text, std::size_t most) {
  if (texts.size() < most && std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

template <std::size_t count>
bool MentionsOneOf(const std::array<std::string_view, count>& words, const std::string& text) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != text.npos; });
}

// The texts are those of cudaGetErrorString, which TensorRT puts into its own.
constexpr std::array<std::string_view, 16> kLostTexts = {
    "an illegal memory access was encountered",
    "an illegal instruction was encountered",
    "misaligned address",
    "operation not supported on global/shared address space",
    "invalid program counter",
    "unspecified launch failure",
    "the launch timed out and was terminated",
    "device-side assert triggered",
    "hardware stack error",
    "uncorrectable ECC error encountered",
    "uncorrectable NVLink error detected",
    "context is destroyed",
    "cudaErrorIllegalAddress",
    "cudaErrorLaunchFailure",
    "CUDA_ERROR_ILLEGAL_ADDRESS",
    "CUDA_ERROR_LAUNCH_FAILED",
};
constexpr std::array<std::string_view, 6> kUnavailableTexts = {
    "CUDA initialization failure",         "no CUDA-capable device is detected",
    "CUDA driver version is insufficient", "system has unsupported display driver",
    "system not yet initialized",          "CUDA-capable device(s) is/are busy or unavailable",
};
constexpr std::array<std::string_view, 5> kMemoryTexts = {
    "out of memory",
    "OutOfMemory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "could not be allocated. There may not be enough free memory",
    "insufficient memory",
};

/** From the mildest to the one that explains all others. */
constexpr std::array<ErrorCode, 4> kCodes = {ErrorCode::kModelInvalid, ErrorCode::kDeviceOutOfMemory,
                                             ErrorCode::kDeviceUnavailable, ErrorCode::kDeviceLost};

ErrorCode CodeOf(const std::string& error) {
  if (MentionsOneOf(kLostTexts, error)) return ErrorCode::kDeviceLost;
  if (MentionsOneOf(kUnavailableTexts, error)) return ErrorCode::kDeviceUnavailable;
  if (MentionsOneOf(kMemoryTexts, error)) return ErrorCode::kDeviceOutOfMemory;
  return ErrorCode::kModelInvalid;
}

ErrorCode Worse(ErrorCode a, ErrorCode b) {
  const auto rank = [](ErrorCode code) { return std::find(kCodes.begin(), kCodes.end(), code); };
  return rank(a) < rank(b) ? b : a;
}

std::string Join(const std::vector<std::string>& errors) {
  std::string joined;
  for (const std::string& error : errors) joined += (joined.empty() ? "" : "; ") + error;
  return Cut(std::move(joined), kLongestErrors);
}

}  // namespace

Logger& Logger::Instance() {
  // Never destroyed: TensorRT still logs while the process ends.
  static Logger& instance = *new Logger();
  return instance;
}

void Logger::log(Severity severity, const nvinfer1::AsciiChar* text) noexcept try {
  if (severity == Severity::kVERBOSE) return;
  const std::string line = Line(text);
  if (severity != Severity::kINFO) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (severity == Severity::kWARNING) {
      AddOnce(warnings_, line, kMostWarnings);
    } else {
      AddOnce(errors_.texts, line, kMostErrors);
      // Of the whole text, and of those that are too many to keep.
      errors_.code = Worse(errors_.code, CodeOf(text == nullptr ? "" : text));
    }
  }
  const std::lock_guard<std::mutex> lock(sink_mutex_);
  if (sink_) sink_(severity, line);
} catch (...) {
  // A line is lost where there is no memory for it, or the sink fails; TensorRT cannot be told.
}

Logger::Errors Logger::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(errors_, {});
}

std::string Logger::TakeErrors() { return Join(Take().texts); }

bool Logger::HasErrors() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !errors_.texts.empty();
}

std::vector<std::string> Logger::TakeWarnings() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(warnings_, {});
}

void Logger::Forward(Sink sink) {
  const std::lock_guard<std::mutex> lock(sink_mutex_);
  sink_ = std::move(sink);
}

void Fail(const std::string& what) {
  const Logger::Errors errors = Logger::Instance().Take();
  throw Error(errors.code, errors.texts.empty() ? what : what + ": " + Join(errors.texts));
}

}  // namespace sluice::tensorrt
