#pragma once

#include <stdexcept>
#include <string>

namespace sluice {

/** What went wrong, in the words of server/core/errors.ts. */
enum class ErrorCode {
  /** The model, its plan or a plugin cannot be used. */
  kModelInvalid,
  /** The device has no memory left for it. */
  kDeviceOutOfMemory,
  /** The device or its context is beyond use: every later call of this process fails too. */
  kDeviceLost,
  /** A picture cannot be decoded. */
  kBadImage,
  /** There is no GPU, no driver or no library to use it with. */
  kDeviceUnavailable,
  /** A fault of ours. */
  kInternal,
};

/** The name of the code in server/core/errors.ts: `MODEL_INVALID`. */
const char* CodeName(ErrorCode code);

/** A failure with its code. The message is meant for people and says what to change. */
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace sluice
