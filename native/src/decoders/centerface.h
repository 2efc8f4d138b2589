#pragma once

#include <cstdint>

#include "params/centerface_params.h"

namespace sluice {

/**
 * Decodes one picture's CenterFace maps (https://arxiv.org/abs/1911.03599) and writes rows of kCenterFaceColumns
 * floats, best score first, in picture pixels, not clipped to the picture. Returns the number of rows.
 *
 * Every cell whose score is above the threshold is a candidate; there is no search for local maxima, non-maximum
 * suppression does that work. With stride 4, in network pixels: centre = (cell + offset + 0.5) * 4,
 * size = exp(scale) * 4, landmark = top left corner + part * size. Candidates with a value that is not finite are
 * dropped; of the others the best kCenterFaceMaxCandidates are suppressed against one another, equal scores in the
 * order of the cells, and the survivors mapped through the matrix. Where that rotates, the box is the one around the
 * mapped corners.
 */
std::int32_t DecodeCenterFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const MutableFloatView& out);

}  // namespace sluice
