#include "cuda/kept_pictures.h"

#include "addon/argument.h"
#include "addon/gpu/functions.h"
#include "params/pixels.h"

namespace sluice::addon::gpu {
namespace {

const char* NameOf(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb8:
      return "rgb8";
    case PixelFormat::kBgr8:
      return "bgr8";
    case PixelFormat::kGray8:
      return "gray8";
    case PixelFormat::kNv12:
      return "nv12";
  }
  return "";
}

}  // namespace

Napi::Value DownloadPicture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto picture = cuda::KeptPictures::Instance().Get(Argument(info[0], "id").Integer());
  const PixelView& view = picture->view;
  Napi::Uint8Array data = Napi::Uint8Array::New(env, SpanOf(view));
  cuda::Download(*picture, data.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", data);
  result.Set("format", NameOf(view.format));
  result.Set("width", view.width);
  result.Set("height", view.height);
  result.Set("stride", static_cast<double>(view.stride));
  return result;
}

Napi::Value ReleasePicture(const Napi::CallbackInfo& info) {
  cuda::KeptPictures::Instance().Release(Argument(info[0], "id").Integer());
  return info.Env().Undefined();
}

Napi::Value KeptPictures(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(cuda::KeptPictures::Instance().count()));
}

}  // namespace sluice::addon::gpu
