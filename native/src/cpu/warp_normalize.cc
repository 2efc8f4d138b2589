#include "cpu/warp_normalize.h"

#include <algorithm>

#include "cpu/thread_pool.h"
#include "cpu/warp_kernels.h"
#include "params/check.h"

namespace sluice {
namespace {

/** Rows to a piece: enough pixels to be worth handing over, few enough to share evenly. */
int RowsPerPiece(const WarpNormalizeParams& params, int threads) {
  constexpr int kLeastPixels = 16384;
  constexpr int kPiecesPerThread = 4;
  return std::max({1, kLeastPixels / params.width, params.height / (threads * kPiecesPerThread)});
}

}  // namespace

void WarpNormalize(const PixelView& source, const WarpNormalizeParams& params, int threads, const MutableFloatView& out,
                   std::int64_t offset) {
  CheckWarpNormalize(source, params, out, offset);
  if (threads < 1 || threads > kMaxThreads) Refuse("options.threads is ", threads, "; it must be 1 to ", kMaxThreads);
  const WarpJob job{source, params, MakeLevelMap(params.normalization), LayoutOf(params), out.data + offset};
  const auto warp = params.matrix.axis_aligned() ? WarpAxisAligned : WarpGeneral;
  const int rows = RowsPerPiece(params, threads);
  ParallelFor(params.height, rows, threads, [&](int begin, int end) { warp(job, begin, end); });
}

}  // namespace sluice
