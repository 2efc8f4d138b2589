#include "cpu/row_kernels.h"

#include "cpu/multiversion.h"
#include "params/nv12.h"
#include "params/tap.h"

namespace sluice {

SLUICE_MULTIVERSION
void BlendRows(const std::uint8_t* __restrict a, const std::uint8_t* __restrict b, float a_weight, float b_weight,
               float constant, int count, float* __restrict out) {
  for (int i = 0; i < count; i++) out[i] = a[i] * a_weight + b[i] * b_weight + constant;
}

SLUICE_MULTIVERSION
void SampleColumns(const float* __restrict row, const ColumnTaps& taps, float multiplier, float bias, int count,
                   float* __restrict out) {
  const std::int32_t* __restrict first = taps.first;
  const std::int32_t* __restrict second = taps.second;
  const float* __restrict first_weight = taps.first_weight;
  const float* __restrict second_weight = taps.second_weight;
  const float* __restrict constant = taps.constant;
  for (int i = 0; i < count; i++) {
    const float value = row[first[i]] * first_weight[i] + row[second[i]] * second_weight[i] + constant[i];
    out[i] = RoundLevel(value) * multiplier + bias;
  }
}

SLUICE_MULTIVERSION
void MixGray(const float* __restrict red, const float* __restrict green, const float* __restrict blue, float multiplier,
             float bias, int count, float* __restrict out) {
  for (int i = 0; i < count; i++) out[i] = GrayLevel(red[i], green[i], blue[i]) * multiplier + bias;
}

SLUICE_MULTIVERSION
void SpreadChroma(const std::uint8_t* __restrict chroma, int pairs, float* __restrict red, float* __restrict green,
                  float* __restrict blue) {
  for (int pair = 0; pair < pairs; pair++) {
    const ChromaTerms terms = MakeChromaTerms(chroma[2 * pair], chroma[2 * pair + 1]);
    red[2 * pair] = red[2 * pair + 1] = terms.red;
    green[2 * pair] = green[2 * pair + 1] = terms.green;
    blue[2 * pair] = blue[2 * pair + 1] = terms.blue;
  }
}

SLUICE_MULTIVERSION
void ConvertLuma(const std::uint8_t* __restrict luma, const float* __restrict chroma_terms, int count,
                 std::uint8_t* __restrict levels) {
  for (int i = 0; i < count; i++) levels[i] = LevelOf(LumaTerm(luma[i]) + chroma_terms[i]);
}

}  // namespace sluice
