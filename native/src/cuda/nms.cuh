#pragma once

#include <type_traits>
#include <utility>

#include "params/nms_params.h"
#include "params/rotated_box.h"

namespace sluice::cuda {

/** Threads of a block that suppresses: one for each pair of a tile. */
constexpr int kNmsThreads = 1024;
/** Boxes that are judged at a time, one for each bit of a mask. */
constexpr int kNmsTile = 32;

/** Edges in pixels and a class of which only equality counts, all finite; as sluice::Box. */
struct EdgeBox {
  float left;
  float top;
  float right;
  float bottom;
  float label;
};

/** In double precision, as sluice::Nms computes. */
struct WideBox {
  double left;
  double top;
  double right;
  double bottom;
  double area;
  float label;
};

__device__ inline WideBox Widen(const EdgeBox& box) {
  const double width = static_cast<double>(box.right) - box.left;
  const double height = static_cast<double>(box.bottom) - box.top;
  return {box.left, box.top, box.right, box.bottom, fmax(width, 0.0) * fmax(height, 0.0), box.label};
}

/** A turned box is kept as it is compared. */
__device__ inline const RotatedBox& Widen(const RotatedBox& box) { return box; }

/** What boxes of a kind are compared as. */
template <typename Box>
using WideOf = std::decay_t<decltype(Widen(std::declval<const Box&>()))>;

/** What the threshold of an intersection over union is to boxes of a kind. */
__device__ inline double LimitOf(const EdgeBox*, double iou_threshold) { return iou_threshold; }
__device__ inline double LimitOf(const RotatedBox*, double iou_threshold) { return DistanceLimit(iou_threshold); }

/** Whether `better` overlaps `box`, of its class, by more than the threshold. */
__device__ inline bool Overlaps(const WideBox& better, const WideBox& box, double iou_threshold) {
  const double width = fmax(fmin(better.right, box.right) - fmax(better.left, box.left), 0.0);
  const double height = fmax(fmin(better.bottom, box.bottom) - fmax(better.top, box.top), 0.0);
  const double intersection = width * height;
  return intersection > iou_threshold * (better.area + box.area - intersection) && better.label == box.label;
}

/** Shared memory of a block that suppresses up to `capacity` boxes. */
template <typename Box, int capacity>
struct NmsScratch {
  WideOf<Box> tile[kNmsTile];
  /** For each box of the tile, those after it that it overlaps. */
  unsigned overlaps[kNmsTile];
  /** For each box, whether one of an earlier tile suppresses it. */
  unsigned gone[(capacity + kNmsTile - 1) / kNmsTile];
};

/**
 * Those of `alive`, boxes of one tile, that stay. `overlaps` is the entry of the calling lane's box; the whole warp
 * calls.
 */
__device__ inline unsigned ResolveTile(unsigned alive, unsigned overlaps, NmsRule rule) {
  constexpr unsigned kWarp = 0xffffffffu;
  if (rule == NmsRule::kFast) {
    for (int lanes = kNmsTile / 2; lanes > 0; lanes /= 2) overlaps |= __shfl_xor_sync(kWarp, overlaps, lanes);
    return alive & ~overlaps;
  }
  for (unsigned left = alive; left != 0;) {
    const int best = __ffs(left) - 1;
    alive &= ~__shfl_sync(kWarp, overlaps, best);
    left = alive & left & (left - 1);
  }
  return alive;
}

/**
 * Suppresses boxes that lie best first, by the rules of sluice::Nms or sluice::RotatedNms. All kNmsThreads threads of the block call it, and
 * see the same boxes. Calls on_tile(first, kept) on all of them for each tile in order, with a mask of the boxes from
 * `first` on that stay; it returns whether to go on, the same on all threads. Tiles where none stays may be left out.
 */
template <typename Box, int capacity, typename OnTile>
__device__ void SuppressSorted(const Box* boxes, int count, NmsRule rule, double iou_threshold,
                               NmsScratch<Box, capacity>& scratch, OnTile on_tile) {
  constexpr unsigned kWarp = 0xffffffffu;
  const double limit = LimitOf(boxes, iou_threshold);
  const int thread = threadIdx.x;
  const int lane = thread % kNmsTile;
  const int warp = thread / kNmsTile;
  for (int word = thread; word * kNmsTile < count; word += kNmsThreads) scratch.gone[word] = 0;

  for (int first = 0; first < count; first += kNmsTile) {
    const int members = min(kNmsTile, count - first);
    if (thread < members) scratch.tile[thread] = Widen(boxes[first + thread]);
    __syncthreads();
    const unsigned present = kWarp >> (kNmsTile - members);
    const unsigned alive = present & ~scratch.gone[first / kNmsTile];
    // Boxes that are gone suppress nothing under the greedy rule.
    if (rule == NmsRule::kGreedy && alive == 0) continue;

    const bool over = warp < lane && lane < members && Overlaps(scratch.tile[warp], scratch.tile[lane], limit);
    const unsigned row = __ballot_sync(kWarp, over);
    if (lane == 0) scratch.overlaps[warp] = row;
    __syncthreads();
    const unsigned kept = ResolveTile(alive, scratch.overlaps[lane], rule);
    if (!on_tile(first, kept)) return;

    // A warp judges the boxes of one word at a time, so that no other writes to it.
    const unsigned suppressors = rule == NmsRule::kFast ? present : kept;
    for (int begin = first + kNmsTile + warp * kNmsTile; begin < count; begin += kNmsThreads) {
      unsigned& gone = scratch.gone[begin / kNmsTile];
      bool suppressed = false;
      if (begin + lane < count && (gone >> lane & 1) == 0) {
        const WideOf<Box> box = Widen(boxes[begin + lane]);
        for (unsigned left = suppressors; left != 0 && !suppressed; left &= left - 1) {
          suppressed = Overlaps(scratch.tile[__ffs(left) - 1], box, limit);
        }
      }
      const unsigned newly = __ballot_sync(kWarp, suppressed);
      if (lane == 0) gone |= newly;
    }
    __syncthreads();
  }
}

}  // namespace sluice::cuda
