#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/warp_kernels.h"
#include "cpu/warp_normalize.h"
#include "fuzz_operators.h"

namespace sluice::fuzz {
namespace {

PixelFormat AnyFormat(Random* random) {
  constexpr PixelFormat kFormats[] = {PixelFormat::kRgb8, PixelFormat::kBgr8, PixelFormat::kGray8, PixelFormat::kNv12};
  return kFormats[random->Integer(0, 3)];
}

Affine AnyMatrix(Random* random, const PixelView& source, const WarpNormalizeParams& params) {
  Affine matrix{{static_cast<double>(source.width) / params.width, 0, random->Real(-2, 2), 0,
                 static_cast<double>(source.height) / params.height, random->Real(-2, 2)}};
  switch (random->Integer(0, 4)) {
    case 0:  // Whole pixels, onto the edges.
      matrix = {{1, 0, static_cast<double>(random->Integer(-2, 2)), 0, 1, static_cast<double>(random->Integer(-2, 2))}};
      break;
    case 1:
      for (double& value : matrix.m) value = random->Real(-3, 3);
      break;
    case 2:
      matrix.m[random->Integer(0, 5)] = random->Extreme();
      break;
    case 3:
      for (const int i : {0, 2, 4, 5}) matrix.m[i] = random->Extreme();
      break;
    default:
      break;
  }
  return matrix;
}

/** Of a picture or a destination of `width` x `height` pixels. */
Window AnyWindow(Random* random, std::int32_t width, std::int32_t height) {
  if (random->OneIn(2)) return {0, 0, width, height};
  const auto left = static_cast<std::int32_t>(random->Integer(0, width - 1));
  const auto top = static_cast<std::int32_t>(random->Integer(0, height - 1));
  return {left, top, static_cast<std::int32_t>(random->Integer(left + 1, width)),
          static_cast<std::int32_t>(random->Integer(top + 1, height))};
}

WarpNormalizeParams AnyParams(Random* random, const PixelView& source, std::int32_t width, std::int32_t height) {
  WarpNormalizeParams params;
  params.width = width;
  params.height = height;
  params.matrix = AnyMatrix(random, source, params);
  params.border = random->OneIn(2) ? Border::kConstant : Border::kReplicate;
  params.pad = static_cast<float>(random->OneIn(50) ? random->Extreme() : random->Integer(0, 255));
  params.window = AnyWindow(random, source.width, source.height);
  params.area = AnyWindow(random, width, height);
  params.focus = width % 2 == 0 && height % 2 == 0 && random->OneIn(2);
  constexpr PlaneOrder kOrders[] = {PlaneOrder::kRgb, PlaneOrder::kBgr, PlaneOrder::kGray};
  params.normalization = {kOrders[random->Integer(0, 2)], 1.0 / 255, {0.4, 0.5, 0.6}, {0.2, -0.3, 1}};
  if (random->OneIn(50)) params.normalization.std[random->Integer(0, 2)] = random->Extreme();
  if (random->OneIn(50)) params.normalization.mean[random->Integer(0, 2)] = random->Extreme();
  return params;
}

/** Spoils one thing that has to be refused. Returns whether it did. */
bool Spoil(Random* random, PixelView* source, WarpNormalizeParams* params) {
  switch (random->Integer(0, 60)) {
    case 0:
      source->stride = random->Integer(-1, RowBytes(source->format, source->width) - 1);
      return true;
    case 1:
      source->width = source->height = 32769;
      return true;
    case 2:
      source->height = 0;
      return true;
    case 3:
      params->window.right = source->width + 1;
      return true;
    case 4:
      params->window.bottom = params->window.top;
      return true;
    case 5:
      params->width = static_cast<std::int32_t>(random->Integer(-2, 0));
      return true;
    case 6:
      params->height = 40000;
      return true;
    case 7:
      source->stride = kMaxStride + 1;
      return true;
    case 8:
      source->length -= 1;
      return true;
    case 9:
      params->area.right = params->width + 1;
      return true;
    case 10:
      params->area.left = params->area.right;
      return true;
    case 11:
      params->focus = true;
      return params->width % 2 != 0 || params->height % 2 != 0;
    default:
      return false;
  }
}

void CheckValues(const float* values, const WarpNormalizeParams& params) {
  const LevelMap map = MakeLevelMap(params.normalization);
  const OutputLayout layout = LayoutOf(params);
  const auto plane = static_cast<std::size_t>(layout.plane());
  const std::size_t planes = static_cast<std::size_t>(layout.length()) / plane;
  for (std::size_t p = 0; p < planes; p++) {
    const std::size_t c = p % static_cast<std::size_t>(layout.channels);
    const float ends[2] = {map.bias[c], 255 * map.multiplier[c] + map.bias[c]};
    for (std::size_t i = 0; i < plane; i++) {
      const float value = values[p * plane + i];
      Expect(value >= std::min(ends[0], ends[1]) && value <= std::max(ends[0], ends[1]), "a value that no level gives");
    }
  }
}

void Warp(Random* random, std::int32_t source_width, std::int32_t source_height, std::int32_t width,
          std::int32_t height) {
  PixelView source{nullptr, 0, AnyFormat(random), source_width, source_height, 0};
  const std::int64_t row = RowBytes(source.format, source.width);
  source.stride = row + (random->OneIn(2) ? 0 : random->Integer(0, 19));
  const std::int64_t chroma_rows = source.format == PixelFormat::kNv12 ? (source.height + 1) / 2 : 0;
  Exact<std::uint8_t> bytes(static_cast<std::size_t>(source.stride * (source.height + chroma_rows - 1) + row));
  Fill(random, &bytes);
  source.data = bytes.data.get();
  source.length = bytes.length;

  WarpNormalizeParams params = AnyParams(random, source, width, height);
  const std::size_t count = static_cast<std::size_t>(OutputLength(params));
  const auto offset = static_cast<std::size_t>(random->Integer(0, 3));
  const bool spoiled = Spoil(random, &source, &params);
  Exact<float> out(count + offset - (random->OneIn(100) ? 1 : 0));
  const MutableFloatView view{out.data.get(), out.length};
  WarpNormalize(source, params, 1, view, static_cast<std::int64_t>(offset));
  Expect(!spoiled && out.length == count + offset, "a spoiled argument was taken");
  CheckValues(out.data.get() + offset, params);

  Exact<float> again(count);
  WarpNormalize(source, params, 3, {again.data.get(), count}, 0);
  const float* first = out.data.get() + offset;
  Expect(std::memcmp(first, again.data.get(), count * sizeof(float)) == 0, "the number of threads shows");
  const WarpJob job{source, params, MakeLevelMap(params.normalization), LayoutOf(params), again.data.get()};
  WarpGeneral(job, 0, params.height);
  Expect(std::memcmp(first, again.data.get(), count * sizeof(float)) == 0, "the two implementations differ");
}

}  // namespace

void FuzzWarp(Random* random) {
  const std::int32_t source_width = random->Side();
  const std::int32_t source_height = random->Side();
  Warp(random, source_width, source_height, random->Side(), random->Side());
}

void FuzzGiantWarp(Random* random) {
  const auto side = [random] { return static_cast<std::int32_t>(random->Integer(1, 8192)); };
  switch (random->Integer(0, 3)) {
    case 0:
      return Warp(random, 8192, 8192, random->Side(), random->Side());
    case 1:
      return Warp(random, random->Side(), random->Side(), 8192, random->Side());
    case 2:
      return Warp(random, 1, side(), 1, side());
    default:
      return Warp(random, side(), 1, side(), 1);
  }
}

}  // namespace sluice::fuzz
