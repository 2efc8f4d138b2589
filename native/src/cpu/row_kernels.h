#pragma once

#include <cstdint>

namespace sluice {

/** The loops that a warp spends its time in, each over one row and without branches, so that compilers vectorise them.
 */

/** out[i] = a[i] * a_weight + b[i] * b_weight + constant. */
void BlendRows(const std::uint8_t* a, const std::uint8_t* b, float a_weight, float b_weight, float constant, int count,
               float* out);

/** The taps of all columns, as arrays. Indices count floats of a blended row. */
struct ColumnTaps {
  const std::int32_t* first;
  const std::int32_t* second;
  const float* first_weight;
  const float* second_weight;
  const float* constant;
};

/** Samples `count` columns of a blended row, rounds to whole grey levels and maps those to values. */
void SampleColumns(const float* row, const ColumnTaps& taps, float multiplier, float bias, int count, float* out);

/** Rows of whole red, green and blue levels become one of whole grey levels, mapped to values. */
void MixGray(const float* red, const float* green, const float* blue, float multiplier, float bias, int count,
             float* out);

/** The chroma terms of an NV12 row, each for a pair of pixels, spread to both: 2 * pairs floats a colour. */
void SpreadChroma(const std::uint8_t* chroma, int pairs, float* red, float* green, float* blue);

/** Grey levels of one colour of an NV12 row. */
void ConvertLuma(const std::uint8_t* luma, const float* chroma_terms, int count, std::uint8_t* levels);

}  // namespace sluice
