#include "addon/pixel_arguments.h"

namespace sluice::addon {
namespace {

PixelFormat FormatOf(const Argument& argument) {
  const std::string name = argument.Text();
  if (name == "rgb8") return PixelFormat::kRgb8;
  if (name == "bgr8") return PixelFormat::kBgr8;
  if (name == "gray8") return PixelFormat::kGray8;
  if (name == "nv12") return PixelFormat::kNv12;
  argument.Mismatch("'rgb8', 'bgr8', 'gray8' or 'nv12'");
}

bool IsBgr(const Argument& argument) {
  const std::string name = argument.Text();
  if (name != "rgb" && name != "bgr") argument.Mismatch("'rgb' or 'bgr'");
  return name == "bgr";
}

}  // namespace

PixelView PixelsOf(const Argument& argument) {
  PixelView pixels;
  pixels.format = FormatOf(argument.Field("format"));
  pixels.width = argument.Field("width").Int32();
  pixels.height = argument.Field("height").Int32();
  pixels.stride = argument.Field("stride").Integer();
  const Napi::Uint8Array data = argument.Field("data").Bytes();
  pixels.data = data.Data();
  pixels.length = data.ElementLength();
  return pixels;
}

Window WindowOf(const Argument& argument) {
  return {argument.Field("left").Int32(), argument.Field("top").Int32(), argument.Field("right").Int32(),
          argument.Field("bottom").Int32()};
}

Border BorderOf(const Argument& argument) {
  const std::string name = argument.Text();
  if (name == "constant") return Border::kConstant;
  if (name == "replicate") return Border::kReplicate;
  argument.Mismatch("'constant' or 'replicate'");
}

Normalization NormalizationOf(const Argument& argument) {
  Normalization normalization;
  normalization.bgr = IsBgr(argument.Field("color"));
  normalization.scale = argument.Field("scale").Number();
  argument.Field("mean").Numbers(normalization.mean, 3);
  argument.Field("std").Numbers(normalization.std, 3);
  return normalization;
}

}  // namespace sluice::addon
