#include "params/error.h"

namespace sluice {

const char* CodeName(ErrorCode code) {
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
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

}  // namespace sluice
