#include <algorithm>
#include <cstdint>

#include "cuda/check.h"
#include "cuda/warp_normalize.h"
#include "params/nv12.h"
#include "params/tap.h"

namespace sluice::cuda {
namespace {

/** Columns and rows of the network input that a block of threads computes. A warp stores a whole row of them. */
constexpr int kTile = 32;
constexpr int kThreadRows = 8;
constexpr int kPixelsPerThread = kTile / kThreadRows;
/** Blocks that a multiprocessor holds at least, which bounds registers. */
constexpr int kResidentBlocks = 4;
/** More, so that it makes no difference when the tiles of some take longer. */
constexpr int kBlocksPerProcessor = 2 * kResidentBlocks;

/** Grey levels of red, green and blue, or of one channel for all three. */
template <PixelFormat format>
struct Color {
  static constexpr int kChannels = format == PixelFormat::kGray8 ? 1 : 3;
  float level[kChannels];
};

/** Whether a pixel is three bytes in a row. */
template <PixelFormat format>
constexpr bool kInterleaved = format == PixelFormat::kRgb8 || format == PixelFormat::kBgr8;

template <PixelFormat format>
__device__ Color<format> ColorOf(std::uint32_t bytes) {
  const float low = static_cast<float>(bytes & 0xff);
  const float middle = static_cast<float>((bytes >> 8) & 0xff);
  const float high = static_cast<float>((bytes >> 16) & 0xff);
  if constexpr (format == PixelFormat::kRgb8) return {{low, middle, high}};
  return {{high, middle, low}};
}

/** A row of a picture; the coordinates are the picture's. */
template <PixelFormat format>
class SourceRow {
 public:
  __device__ SourceRow(const PixelView& view, std::int32_t y) : pixels_(view.data + view.stride * y) {
    if constexpr (format == PixelFormat::kNv12) {
      chroma_ = view.data + view.stride * (view.height + std::int64_t{y / 2});
    }
  }

  /**
   * The pixels at `x` and at x + step, which is 0 or 1. Whole words are loaded, two or three instead of six bytes: they
   * reach up to 8 bytes beyond the pixels (see DeviceSpace).
   */
  __device__ void Pair(std::int32_t x, int step, Color<format>& first, Color<format>& second) const {
    if constexpr (kInterleaved<format>) {
      const auto address = reinterpret_cast<std::uintptr_t>(pixels_ + x * 3);
      const auto* words = reinterpret_cast<const std::uint32_t*>(address & ~std::uintptr_t{3});
      const unsigned shift = static_cast<unsigned>(address & 3) * 8;
      const std::uint32_t word = __ldg(words + 1);
      const std::uint32_t low = __funnelshift_r(__ldg(words), word, shift);
      // The sixth byte is in the third word where the first is the last of its word.
      const std::uint32_t high = __funnelshift_r(word, shift == 24 ? __ldg(words + 2) : 0, shift);
      first = ColorOf<format>(low);
      second = step == 0 ? first : ColorOf<format>(__funnelshift_r(low, high, 24));
    } else {
      first = (*this)(x);
      second = (*this)(x + step);
    }
  }

 private:
  __device__ Color<format> operator()(std::int32_t x) const {
    if constexpr (format == PixelFormat::kGray8) {
      return {{static_cast<float>(__ldg(pixels_ + x))}};
    } else {
      const std::uint8_t* pair = chroma_ + (x & ~1);
      const ChromaTerms terms = MakeChromaTerms(__ldg(pair), __ldg(pair + 1));
      const float luma = LumaTerm(__ldg(pixels_ + x));
      return {{static_cast<float>(LevelOf(luma + terms.red)), static_cast<float>(LevelOf(luma + terms.green)),
               static_cast<float>(LevelOf(luma + terms.blue))}};
    }
  }

  const std::uint8_t* pixels_;
  /** Where the format has any. */
  const std::uint8_t* chroma_;
};

/** Blends four pixels in the order of WarpGeneral, so that both round alike. */
template <PixelFormat format>
__device__ void Sample(const WarpRow& row, const Tap& tx, const Tap& ty, float sample[3]) {
  const SourceRow<format> first_row(row.source, row.window.top + ty.first);
  const SourceRow<format> second_row(row.source, row.window.top + ty.second);
  const std::int32_t first_column = row.window.left + tx.first;
  const int step = tx.second - tx.first;
  Color<format> corners[4];
  first_row.Pair(first_column, step, corners[0], corners[2]);
  second_row.Pair(first_column, step, corners[1], corners[3]);
#pragma unroll
  for (int color = 0; color < Color<format>::kChannels; color++) {
    const float first = corners[0].level[color] * ty.first_weight + corners[1].level[color] * ty.second_weight;
    const float second = corners[2].level[color] * ty.first_weight + corners[3].level[color] * ty.second_weight;
    sample[color] = (first + ty.constant) * tx.first_weight + (second + ty.constant) * tx.second_weight + tx.constant;
  }
  if (Color<format>::kChannels == 1) sample[1] = sample[2] = sample[0];
}

__host__ __device__ int Tiles(int side) { return (side + kTile - 1) / kTile; }

/** The taps of a tile's columns and rows, where the matrix neither rotates nor shears and all rows share them. */
struct TileTaps {
  Tap columns[kTile];
  Tap rows[kTile];
};

__device__ Tap ColumnTap(const WarpBatch& batch, const WarpRow& row, int dx, double x) {
  if (dx < row.area.left || dx >= row.area.right) return PadTap(batch.pad);
  return MakeTap(x - row.window.left, row.window.right - row.window.left, row.border, batch.pad);
}

__device__ Tap RowTap(const WarpBatch& batch, const WarpRow& row, int dy, double y) {
  if (dy < row.area.top || dy >= row.area.bottom) return PadTap(batch.pad);
  return MakeTap(y - row.window.top, row.window.bottom - row.window.top, row.border, batch.pad);
}

template <PixelFormat format, bool aligned>
__device__ void WarpTile(const WarpBatch& batch, const WarpRow& row, int left, int top, const TileTaps& taps) {
  const int dx = left + threadIdx.x;
  const OutputLayout& layout = batch.layout;
  if (dx >= layout.width) return;
  const std::int64_t plane = layout.plane();
#pragma unroll
  for (int i = 0; i < kPixelsPerThread; i++) {
    const int tile_y = i * kThreadRows + threadIdx.y;
    const int dy = top + tile_y;
    if (dy >= layout.height) return;
    Tap tx;
    Tap ty;
    if constexpr (aligned) {
      tx = taps.columns[threadIdx.x];
      ty = taps.rows[tile_y];
    } else {
      const Point at = row.matrix(dx, dy);
      tx = ColumnTap(batch, row, dx, at.x);
      ty = RowTap(batch, row, dy, at.y);
    }
    float sample[3] = {batch.pad, batch.pad, batch.pad};
    if (!tx.outside && !ty.outside) Sample<format>(row, tx, ty, sample);
    const float red = RoundLevel(sample[0]);
    const float green = RoundLevel(sample[1]);
    const float blue = RoundLevel(sample[2]);
    float* out = batch.out + layout.length() * blockIdx.y + layout.at(dx, dy);
    const LevelMap& map = batch.levels;
    if (batch.order == PlaneOrder::kGray) {
      out[0] = GrayLevel(red, green, blue) * map.multiplier[0] + map.bias[0];
      continue;
    }
    const bool bgr = batch.order == PlaneOrder::kBgr;
    out[0] = (bgr ? blue : red) * map.multiplier[0] + map.bias[0];
    out[plane] = green * map.multiplier[1] + map.bias[1];
    out[2 * plane] = (bgr ? red : blue) * map.multiplier[2] + map.bias[2];
  }
}

/** Computes every gridDim.x-th tile of a row of the batch. */
template <PixelFormat format, bool aligned>
__device__ void WarpTiles(const WarpBatch& batch, const WarpRow& row, TileTaps& taps) {
  const int tiles_across = Tiles(batch.layout.width);
  const int tiles = tiles_across * Tiles(batch.layout.height);
  for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const int left = tile % tiles_across * kTile;
    const int top = tile / tiles_across * kTile;
    if constexpr (aligned) {
      const int index = threadIdx.x;
      __syncthreads();
      if (threadIdx.y == 0) taps.columns[index] = ColumnTap(batch, row, left + index, row.matrix(left + index, 0).x);
      if (threadIdx.y == 1) taps.rows[index] = RowTap(batch, row, top + index, row.matrix(0, top + index).y);
      __syncthreads();
    }
    WarpTile<format, aligned>(batch, row, left, top, taps);
  }
}

template <PixelFormat format>
__device__ void WarpPicture(const WarpBatch& batch, const WarpRow& row, TileTaps& taps) {
  if (row.matrix.axis_aligned()) return WarpTiles<format, true>(batch, row, taps);
  WarpTiles<format, false>(batch, row, taps);
}

__global__ void __launch_bounds__(kTile* kThreadRows, kResidentBlocks) WarpNormalizeKernel(const WarpBatch batch) {
  __shared__ TileTaps taps;
  __shared__ WarpRow row;
  // The rows may lie in memory of the host, which is far away: each block reads its one once.
  if (threadIdx.x == 0 && threadIdx.y == 0) row = batch.rows[blockIdx.y];
  __syncthreads();
  switch (row.source.format) {
    case PixelFormat::kRgb8:
      return WarpPicture<PixelFormat::kRgb8>(batch, row, taps);
    case PixelFormat::kBgr8:
      return WarpPicture<PixelFormat::kBgr8>(batch, row, taps);
    case PixelFormat::kGray8:
      return WarpPicture<PixelFormat::kGray8>(batch, row, taps);
    case PixelFormat::kNv12:
      return WarpPicture<PixelFormat::kNv12>(batch, row, taps);
  }
}

/** Multiprocessors of the current device. Asked once for each that a thread uses. */
int Processors() {
  thread_local int known_device = -1;
  thread_local int processors = 0;
  int device = 0;
  SLUICE_CUDA(cudaGetDevice(&device));
  if (device != known_device) {
    SLUICE_CUDA(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
    known_device = device;
  }
  return processors;
}

}  // namespace

void LaunchWarpNormalize(const WarpBatch& batch, cudaStream_t stream) {
  if (batch.count == 0) return;
  const int tiles = Tiles(batch.layout.width) * Tiles(batch.layout.height);
  const int share = (Processors() * kBlocksPerProcessor + batch.count - 1) / batch.count;
  const dim3 blocks(std::min(tiles, share), batch.count);
  WarpNormalizeKernel<<<blocks, dim3(kTile, kThreadRows), 0, stream>>>(batch);
  Check(cudaGetLastError(), "LaunchWarpNormalize");
}

}  // namespace sluice::cuda
