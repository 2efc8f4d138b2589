#include <cstdint>

#include "cuda/check.h"
#include "cuda/heat_peaks.h"
#include "cuda/sort_keys.cuh"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;

/** A block a map. The smallest key is that of the highest cell, and of equal ones of the first. */
__global__ void __launch_bounds__(kThreads) FindHeatPeaksKernel(const HeatMaps maps, float* out) {
  __shared__ std::uint64_t firsts[kWarps];
  const std::int64_t cells = std::int64_t{maps.rows} * maps.columns;
  const float* map = maps.data + blockIdx.x * cells;
  std::uint64_t first = kLastKey;
  for (std::int64_t cell = threadIdx.x; cell < cells; cell += kThreads) {
    const float score = map[cell];
    if (score != score) continue;
    const std::uint64_t key = CandidateKey(score, static_cast<std::uint32_t>(cell));
    first = key < first ? key : first;
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    const std::uint64_t other = __shfl_xor_sync(0xffffffffu, first, distance);
    first = other < first ? other : first;
  }
  if (threadIdx.x % 32 == 0) firsts[threadIdx.x / 32] = first;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kWarps; warp++) first = firsts[warp] < first ? firsts[warp] : first;
  HeatPeak peak{0, 0, __uint_as_float(0x7fc00000u)};
  if (first != kLastKey) {
    peak = PeakAt(map, IndexOf(first), maps.rows, maps.columns, maps.stride_x, maps.stride_y, maps.refinement);
  }
  float* point = out + std::int64_t{3} * blockIdx.x;
  point[0] = peak.x;
  point[1] = peak.y;
  point[2] = peak.score;
}

}  // namespace

void LaunchFindHeatPeaks(const HeatMaps& maps, int count, float* out, cudaStream_t stream) {
  if (count == 0) return;
  FindHeatPeaksKernel<<<static_cast<unsigned>(count * maps.points), kThreads, 0, stream>>>(maps, out);
  Check(cudaGetLastError(), "LaunchFindHeatPeaks");
}

}  // namespace sluice::cuda
