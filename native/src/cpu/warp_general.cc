#include <cstdint>

#include "cpu/warp_kernels.h"
#include "params/nv12.h"
#include "params/tap.h"

namespace sluice {
namespace {

/** Grey levels of red, green and blue. */
struct Color {
  float level[3];
};

/** Reads single pixels; the coordinates are the picture's. */
template <PixelFormat format>
class PixelReader {
 public:
  explicit PixelReader(const PixelView& view) : view_(view) {}

  Color operator()(std::int32_t x, std::int32_t y) const {
    const std::uint8_t* row = view_.data + view_.stride * y;
    if constexpr (format == PixelFormat::kGray8) {
      const float level = row[x];
      return {{level, level, level}};
    } else if constexpr (format == PixelFormat::kNv12) {
      const std::uint8_t* chroma = view_.data + view_.stride * (view_.height + std::int64_t{y / 2}) + (x & ~1);
      const ChromaTerms terms = MakeChromaTerms(chroma[0], chroma[1]);
      const float luma = LumaTerm(row[x]);
      return {{static_cast<float>(LevelOf(luma + terms.red)), static_cast<float>(LevelOf(luma + terms.green)),
               static_cast<float>(LevelOf(luma + terms.blue))}};
    } else {
      const std::uint8_t* pixel = row + std::int64_t{x} * 3;
      constexpr int kRed = format == PixelFormat::kRgb8 ? 0 : 2;
      return {{static_cast<float>(pixel[kRed]), static_cast<float>(pixel[1]), static_cast<float>(pixel[2 - kRed])}};
    }
  }

 private:
  const PixelView& view_;
};

template <PixelFormat format>
void Warp(const WarpJob& job, std::int32_t begin, std::int32_t end) {
  const WarpNormalizeParams& params = job.params;
  const Window& window = params.window;
  const PixelReader<format> read(job.source);
  const std::int64_t plane = job.layout.plane();

  for (std::int32_t dy = begin; dy < end; dy++) {
    for (std::int32_t dx = 0; dx < params.width; dx++) {
      const Point at = params.matrix(dx, dy);
      const Tap tx = job.ColumnTap(dx, at.x);
      const Tap ty = job.RowTap(dy, at.y);
      Color sample{{params.pad, params.pad, params.pad}};
      if (!tx.outside && !ty.outside) {
        const Color corners[4] = {read(window.left + tx.first, window.top + ty.first),
                                  read(window.left + tx.first, window.top + ty.second),
                                  read(window.left + tx.second, window.top + ty.first),
                                  read(window.left + tx.second, window.top + ty.second)};
        for (int color = 0; color < 3; color++) {
          // Vertical first, as WarpAxisAligned does, so that both round alike.
          const float first = corners[0].level[color] * ty.first_weight + corners[1].level[color] * ty.second_weight;
          const float second = corners[2].level[color] * ty.first_weight + corners[3].level[color] * ty.second_weight;
          sample.level[color] =
              (first + ty.constant) * tx.first_weight + (second + ty.constant) * tx.second_weight + tx.constant;
        }
      }
      for (float& level : sample.level) level = RoundLevel(level);
      if (job.layout.channels == 1) {
        sample.level[0] = GrayLevel(sample.level[0], sample.level[1], sample.level[2]);
      }
      float* const out = job.at(0, dx, dy);
      for (int c = 0; c < job.layout.channels; c++) {
        out[c * plane] = sample.level[job.color_of(c)] * job.levels.multiplier[c] + job.levels.bias[c];
      }
    }
  }
}

}  // namespace

void WarpGeneral(const WarpJob& job, std::int32_t begin, std::int32_t end) {
  switch (job.source.format) {
    case PixelFormat::kRgb8:
      return Warp<PixelFormat::kRgb8>(job, begin, end);
    case PixelFormat::kBgr8:
      return Warp<PixelFormat::kBgr8>(job, begin, end);
    case PixelFormat::kGray8:
      return Warp<PixelFormat::kGray8>(job, begin, end);
    case PixelFormat::kNv12:
      return Warp<PixelFormat::kNv12>(job, begin, end);
  }
}

}  // namespace sluice
