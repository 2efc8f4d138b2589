#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "params/nms_params.h"

namespace sluice {

/** Edges in pixels, and what was found. `label` is a class; only equality counts. Laid out as six floats. */
struct Box {
  float left;
  float top;
  float right;
  float bottom;
  float score;
  float label;
};

/**
 * Non-maximum suppression: indices of the boxes that stay, best score first, equal scores in the order given. A box
 * goes when a better one of its class overlaps it by more than the threshold; NmsRule says which better ones count.
 *
 * Overlap is intersection over union of continuous edges (no pixel is added) and 0 where the boxes do not intersect.
 * Boxes with a value that is not finite are dropped and suppress nothing. Of two boxes with equal scores the earlier is
 * the better one under either rule; the tensorRT_Pro library, whose GPU rule kFast is, lets the later one win there,
 * and its CPU rule also suppresses at exactly the threshold.
 *
 * Time grows with the square of `count` (kFast) or with `count` times the boxes that stay (kGreedy): callers bound it.
 */
std::vector<std::uint32_t> Nms(const Box* boxes, std::size_t count, const NmsParams& params);

}  // namespace sluice
