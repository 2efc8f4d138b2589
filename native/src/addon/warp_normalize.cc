#include "cpu/warp_normalize.h"

#include "addon/operators.h"
#include "addon/pixel_arguments.h"

namespace sluice::addon {

Napi::Value WarpNormalize(const Napi::CallbackInfo& info) {
  const Argument options(info[1], "options");
  const std::int64_t offset = Argument(info[3], "offset").Integer();

  WarpNormalizeParams params;
  params.matrix = options.Field("matrix").Matrix();
  params.width = options.Field("width").Int32();
  params.height = options.Field("height").Int32();
  params.border = BorderOf(options.Field("border"));
  params.pad = static_cast<float>(options.Field("pad").Number());
  const Argument window = options.Field("window");
  if (!window.IsNull()) params.window = WindowOf(window);
  const Argument area = options.Field("area");
  params.area = area.IsNull() ? Window{0, 0, params.width, params.height} : WindowOf(area);
  params.focus = options.Field("focus").Boolean();
  params.normalization = NormalizationOf(options.Field("normalization"));
  const int threads = options.Field("threads").Int32();

  const PixelView pixels = PixelsOf(Argument(info[0], "source"));
  if (window.IsNull()) params.window = {0, 0, pixels.width, pixels.height};
  const Napi::Float32Array out = Argument(info[2], "out").Floats();
  sluice::WarpNormalize(pixels, params, threads, View(out), offset);
  return info.Env().Undefined();
}

}  // namespace sluice::addon
