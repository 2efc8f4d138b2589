#pragma once

#include <stdexcept>
#include <string>

/** Marks what a shared library shows to the outside. */
#define SLUICE_API __attribute__((visibility("default")))

namespace sluice {

/** What went wrong, in the words of server/core/errors.ts. */
enum class ErrorCode {
  /** The model, its plan or a plugin cannot be used. */
  kModelInvalid,
  /** The device has no memory left for it. */
  kDeviceOutOfMemory,
  /** The device or its context is beyond use: every later call of this process fails too. */
  kDeviceLost,
  /** A picture cannot be decoded, or its pixels do not fit its size. */
  kBadImage,
  /** There is no GPU, no driver or no library to use it with. */
  kDeviceUnavailable,
  /** An argument is missing or out of range. */
  kInvalidRequest,
  /** What would have answered was stopped first: of the C++ interface alone. */
  kShuttingDown,
  /** A fault of ours. */
  kInternal,
};

/** The name of the code in server/core/errors.ts: `MODEL_INVALID`. */
inline const char* CodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kModelInvalid:
      return "MODEL_INVALID";
    case ErrorCode::kDeviceOutOfMemory:
      return "DEVICE_OUT_OF_MEMORY";
    case ErrorCode::kDeviceLost:
      return "DEVICE_LOST";
    case ErrorCode::kBadImage:
      return "BAD_IMAGE";
    case ErrorCode::kDeviceUnavailable:
      return "DEVICE_UNAVAILABLE";
    case ErrorCode::kInvalidRequest:
      return "INVALID_REQUEST";
    case ErrorCode::kShuttingDown:
      return "SHUTTING_DOWN";
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

/** A failure with its code. The message is meant for people and says what to change. */
class SLUICE_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace sluice
