#include "addon/pixel_arguments.h"

namespace sluice::addon {
PixelView PixelsOf(const Argument& argument) {
  PixelView pixels;
  pixels.format = argument.Field("format").OneOf<PixelFormat>({{"rgb8", PixelFormat::kRgb8},
                                                               {"bgr8", PixelFormat::kBgr8},
                                                               {"gray8", PixelFormat::kGray8},
                                                               {"nv12", PixelFormat::kNv12}});
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
  return argument.OneOf<Border>({{"constant", Border::kConstant}, {"replicate", Border::kReplicate}});
}

Normalization NormalizationOf(const Argument& argument) {
  Normalization normalization;
  normalization.order = argument.Field("color").OneOf<PlaneOrder>(
      {{"rgb", PlaneOrder::kRgb}, {"bgr", PlaneOrder::kBgr}, {"gray", PlaneOrder::kGray}});
  normalization.scale = argument.Field("scale").Number();
  argument.Field("mean").Numbers(normalization.mean, 3);
  argument.Field("std").Numbers(normalization.std, 3);
  return normalization;
}

}  // namespace sluice::addon
