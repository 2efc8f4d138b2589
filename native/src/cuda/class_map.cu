#include "cuda/check.h"
#include "cuda/class_map.h"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTileColumns = 64;
constexpr int kTileRows = 16;

__device__ ClassScores ScoresOf(const ClassMapBatch& batch, unsigned row) {
  ClassScores scores = batch.scores;
  scores.data += row * scores.cells() * scores.planes;
  return scores;
}

/** A thread a cell. */
__global__ void __launch_bounds__(kThreads) BestClassKernel(const ClassMapBatch batch) {
  const ClassScores scores = ScoresOf(batch, blockIdx.y);
  const std::int64_t cell = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (cell < scores.cells()) batch.scratch[blockIdx.y * scores.cells() + cell] = BestClass(scores, cell);
}

/** A block a tile of the picture. */
__global__ void __launch_bounds__(kThreads) ClassMapKernel(const ClassMapBatch batch) {
  __shared__ std::uint32_t counts[kMostMapClasses];
  const ClassScores scores = ScoresOf(batch, blockIdx.z);
  const ClassMapRow row = batch.rows[blockIdx.z];
  const CellClass* cells = batch.scratch + blockIdx.z * scores.cells();
  for (int label = threadIdx.x; label < kMostMapClasses; label += kThreads) counts[label] = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < kTileColumns * kTileRows; i += kThreads) {
    const std::int32_t x = static_cast<std::int32_t>(blockIdx.x) * kTileColumns + i % kTileColumns;
    const std::int32_t y = static_cast<std::int32_t>(blockIdx.y) * kTileRows + i / kTileColumns;
    if (x >= row.width || y >= row.height) continue;
    const CellClass found = cells[CellOf(row.to_cells, x, y, scores)];
    const std::int64_t pixel = std::int64_t{y} * row.width + x;
    row.labels[pixel] = found.label;
    if (row.probabilities != nullptr) row.probabilities[pixel] = found.probability;
    atomicAdd(&counts[found.label], 1u);
  }
  __syncthreads();
  for (int label = threadIdx.x; label < MapClasses(scores); label += kThreads) {
    if (counts[label] != 0) atomicAdd(&row.counts[label], counts[label]);
  }
}

}  // namespace

void LaunchDecodeClassMap(const ClassMapBatch& batch, cudaStream_t stream) {
  if (batch.count == 0) return;
  const auto pictures = static_cast<unsigned>(batch.count);
  const auto blocks = static_cast<unsigned>((batch.scores.cells() + kThreads - 1) / kThreads);
  BestClassKernel<<<dim3(blocks, pictures), kThreads, 0, stream>>>(batch);
  Check(cudaGetLastError(), "LaunchDecodeClassMap");
  const dim3 tiles(static_cast<unsigned>((batch.most_width + kTileColumns - 1) / kTileColumns),
                   static_cast<unsigned>((batch.most_height + kTileRows - 1) / kTileRows), pictures);
  ClassMapKernel<<<tiles, kThreads, 0, stream>>>(batch);
  Check(cudaGetLastError(), "LaunchDecodeClassMap");
}

}  // namespace sluice::cuda
