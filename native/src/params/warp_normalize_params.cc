#include "params/warp_normalize_params.h"

#include <cmath>

#include "params/check.h"

namespace sluice {
namespace {

void CheckNormalization(const Normalization& normalization) {
  if (!std::isfinite(normalization.scale)) Refuse("options.normalization.scale must be finite");
  for (int c = 0; c < 3; c++) {
    if (!std::isfinite(normalization.mean[c])) Refuse("options.normalization.mean[", c, "] must be finite");
    if (!std::isfinite(normalization.std[c]) || normalization.std[c] == 0) {
      Refuse("options.normalization.std[", c, "] is ", normalization.std[c], "; it must be finite and not 0");
    }
  }
  const LevelMap map = MakeLevelMap(normalization);
  for (int c = 0; c < 3; c++) {
    if (!std::isfinite(255 * map.multiplier[c] + map.bias[c]) || !std::isfinite(map.bias[c])) {
      Refuse("options.normalization.std[", c, "] is ", normalization.std[c], "; values would not fit a float");
    }
  }
}

void CheckInside(const Window& window, std::int32_t width, std::int32_t height, const char* name, const char* whole) {
  const bool inside = window.left >= 0 && window.top >= 0 && window.right <= width && window.bottom <= height &&
                      window.left < window.right && window.top < window.bottom;
  if (inside) return;
  Refuse(name, " (", window.left, ", ", window.top, ")-(", window.right, ", ", window.bottom,
         ") must hold a pixel and lie within the ", whole, " of ", width, "x", height);
}

}  // namespace

void CheckWindow(const Window& window, const PixelView& source) {
  CheckInside(window, source.width, source.height, "options.window", "source");
}

void CheckArea(const Window& area, std::int32_t width, std::int32_t height) {
  CheckInside(area, width, height, "options.area", "destination");
}

void CheckFocus(bool focus, std::int32_t width, std::int32_t height) {
  if (!focus || (width % 2 == 0 && height % 2 == 0)) return;
  Refuse("options.focus needs an even width and height; they are ", width, "x", height);
}

LevelMap MakeLevelMap(const Normalization& normalization) {
  LevelMap map;
  for (int c = 0; c < 3; c++) {
    map.multiplier[c] = static_cast<float>(normalization.scale / normalization.std[c]);
    map.bias[c] = static_cast<float>(-normalization.mean[c] / normalization.std[c]);
  }
  return map;
}

void CheckWarpNormalize(const PixelView& source, const WarpNormalizeParams& params, const MutableFloatView& out,
                        std::int64_t offset) {
  CheckPixels(source);
  CheckAffine(params.matrix, "options.matrix");
  if (params.width < 1 || params.width > kMaxSide) {
    Refuse("options.width is ", params.width, "; it must be 1 to ", kMaxSide);
  }
  if (params.height < 1 || params.height > kMaxSide) {
    Refuse("options.height is ", params.height, "; it must be 1 to ", kMaxSide);
  }
  if (!(params.pad >= 0 && params.pad <= 255)) Refuse("options.pad is ", params.pad, "; it must be 0 to 255");
  CheckWindow(params.window, source);
  CheckArea(params.area, params.width, params.height);
  CheckFocus(params.focus, params.width, params.height);
  CheckNormalization(params.normalization);
  if (offset < 0 || static_cast<std::uint64_t>(offset) > out.length) {
    Refuse("offset is ", offset, "; out has ", out.length, " values");
  }
  const std::int64_t needed = OutputLength(params);
  if (out.length - static_cast<std::size_t>(offset) < static_cast<std::uint64_t>(needed)) {
    Refuse("out has ", out.length - static_cast<std::size_t>(offset), " values from offset on; ",
           LayoutOf(params).channels, "x", params.height, "x", params.width, " need ", needed);
  }
}

}  // namespace sluice
