#pragma once

#include <cstdint>

#include "params/any_head.h"
#include "params/detection_spec.h"
#include "params/views.h"

namespace sluice {

/**
 * Decodes one picture's outputs and writes rows as HeadLayout says, best score first, in picture pixels, not clipped to
 * the picture. Returns the number of rows, at most request.max_detections.
 *
 * Candidates score above the threshold and are of a class that is asked for. Those with a value that is not finite are
 * dropped; of the others the best kMaxCandidates are suppressed against one another as the head says, equal scores in the
 * order of the model, and the survivors mapped through the matrix; rows that then overflow are left out. Where the matrix
 * rotates, or the box is turned, edges are those of the box around the mapped corners.
 */
std::int32_t DecodeDetections(const AnyHead& head, const DetectionRequest& request, const DetectionSpec& spec,
                              const MutableFloatView& out);

}  // namespace sluice
