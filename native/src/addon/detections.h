#pragma once

#include <napi.h>

#include <vector>

#include "params/any_head.h"
#include "params/detection_spec.h"

namespace sluice::addon {

/** NativeDetections of server/runtime/native.ts: what a model's outputs mean. */
class Detections final : public Napi::ObjectWrap<Detections> {
 public:
  /** Makes the class known to the thread's environment. */
  static void Define(Napi::Env env);
  explicit Detections(const Napi::CallbackInfo& info);

 private:
  Napi::Value Columns(const Napi::CallbackInfo& info);
  Napi::Value Layout(const Napi::CallbackInfo& info);
  Napi::Value Decode(const Napi::CallbackInfo& info);

  DetectionSpec spec_;
  std::vector<OutputShape> outputs_;
  /** Values of each output for one picture. */
  std::vector<std::size_t> lengths_;
  HeadLayout layout_;
};

}  // namespace sluice::addon
