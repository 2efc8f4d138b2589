#pragma once

#include "params/affine.h"
#include "params/views.h"

namespace sluice {

/** Landmarks of a face: two eyes, nose, two mouth corners. */
constexpr int kFacePoints = 5;

/**
 * Least-squares similarity (rotation, uniform scale, translation; no reflection) between five landmarks of a picture
 * and a template's, both x0 y0 .. x4 y4. The distances that are least are the template's: the fit maps the picture to
 * the template, X = u0 x + u1 y + u2,  Y = -u1 x + u0 y + u3, and what is returned is its inverse, from template pixels
 * to picture pixels, as a warp needs it. Refuses points that determine no such map: not finite, all on one point, or
 * related to the template by none.
 */
Affine AlignFivePoints(const FloatView& landmarks, const FloatView& template_points);

}  // namespace sluice
