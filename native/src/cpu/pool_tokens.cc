#include "cpu/pool_tokens.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "params/check.h"

namespace sluice {
namespace {

void Mean(const float* tokens, std::size_t count, std::size_t width, std::vector<double>* sums, float* out) {
  std::fill(sums->begin(), sums->end(), 0.0);
  for (std::size_t token = 0; token < count; token++) {
    for (std::size_t i = 0; i < width; i++) (*sums)[i] += tokens[token * width + i];
  }
  for (std::size_t i = 0; i < width; i++) out[i] = static_cast<float>((*sums)[i] / static_cast<double>(count));
}

}  // namespace

void PoolTokens(const FloatView& values, const TokenRows& texts, Pooling pooling, const MutableFloatView& out) {
  if (texts.length < 1) Refuse("length is ", texts.length, "; it must be at least 1");
  const std::size_t rows = texts.rows;
  const std::size_t length = static_cast<std::size_t>(texts.length);
  if (rows == 0 || out.length % rows != 0 || values.length != out.length * length) {
    Refuse("values has ", values.length, " values and out ", out.length, ", which ", rows, " rows of ", length,
           " tokens do not fit");
  }
  for (std::size_t row = 0; row < rows; row++) {
    if (texts.tokens[row] >= 1 && texts.tokens[row] <= texts.length) continue;
    Refuse("tokens[", row, "] is ", texts.tokens[row], "; it must be 1 to ", texts.length);
  }
  const std::size_t width = out.length / rows;
  std::vector<double> sums(width);
  for (std::size_t row = 0; row < rows; row++) {
    const float* tokens = values.data + row * length * width;
    float* vector = out.data + row * width;
    if (pooling == Pooling::kCls) std::copy(tokens, tokens + width, vector);
    if (pooling == Pooling::kMean) Mean(tokens, static_cast<std::size_t>(texts.tokens[row]), width, &sums, vector);
  }
}

}  // namespace sluice
