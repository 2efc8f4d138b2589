#include "cpu/warp_normalize.h"

#include "addon/argument.h"
#include "addon/operators.h"

namespace sluice::addon {
namespace {

PixelFormat ReadFormat(const Argument& argument) {
  const std::string name = argument.Text();
  if (name == "rgb8") return PixelFormat::kRgb8;
  if (name == "bgr8") return PixelFormat::kBgr8;
  if (name == "gray8") return PixelFormat::kGray8;
  if (name == "nv12") return PixelFormat::kNv12;
  argument.Mismatch("'rgb8', 'bgr8', 'gray8' or 'nv12'");
}

Border ReadBorder(const Argument& argument) {
  const std::string name = argument.Text();
  if (name == "constant") return Border::kConstant;
  if (name == "replicate") return Border::kReplicate;
  argument.Mismatch("'constant' or 'replicate'");
}

bool ReadIsBgr(const Argument& argument) {
  const std::string name = argument.Text();
  if (name != "rgb" && name != "bgr") argument.Mismatch("'rgb' or 'bgr'");
  return name == "bgr";
}

Window ReadWindow(const Argument& argument, const PixelView& source) {
  if (argument.IsNull()) return {0, 0, source.width, source.height};
  return {argument.Field("left").Int32(), argument.Field("top").Int32(), argument.Field("right").Int32(),
          argument.Field("bottom").Int32()};
}

Normalization ReadNormalization(const Argument& argument) {
  Normalization normalization;
  normalization.bgr = ReadIsBgr(argument.Field("color"));
  normalization.scale = argument.Field("scale").Number();
  argument.Field("mean").Numbers(normalization.mean, 3);
  argument.Field("std").Numbers(normalization.std, 3);
  return normalization;
}

}  // namespace

Napi::Value WarpNormalize(const Napi::CallbackInfo& info) {
  const Argument source(info[0], "source");
  const Argument options(info[1], "options");
  const std::int64_t offset = Argument(info[3], "offset").Integer();

  PixelView pixels;
  pixels.format = ReadFormat(source.Field("format"));
  pixels.width = source.Field("width").Int32();
  pixels.height = source.Field("height").Int32();
  pixels.stride = source.Field("stride").Integer();

  WarpNormalizeParams params;
  params.matrix = options.Field("matrix").Matrix();
  params.width = options.Field("width").Int32();
  params.height = options.Field("height").Int32();
  params.border = ReadBorder(options.Field("border"));
  params.pad = static_cast<float>(options.Field("pad").Number());
  params.window = ReadWindow(options.Field("window"), pixels);
  params.normalization = ReadNormalization(options.Field("normalization"));
  const int threads = options.Field("threads").Int32();

  const Napi::Uint8Array data = source.Field("data").Bytes();
  const Napi::Float32Array out = Argument(info[2], "out").Floats();
  pixels.data = data.Data();
  pixels.length = data.ElementLength();
  sluice::WarpNormalize(pixels, params, threads, View(out), offset);
  return info.Env().Undefined();
}

}  // namespace sluice::addon
