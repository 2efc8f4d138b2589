#pragma once

#include <cstdint>

#include "params/pooling.h"
#include "params/views.h"

namespace sluice {

/** Texts as rows of `length` tokens, of which the first `tokens[row]` are no padding. */
struct TokenRows {
  const std::int32_t* tokens;
  std::size_t rows;
  std::int64_t length;
};

/**
 * Writes one vector of D values for each row to `out`, [rows, D], from `values`, [rows, length, D]. The mean adds the
 * tokens in their order in double precision. `pooling` is not kNone. Throws std::out_of_range.
 */
void PoolTokens(const FloatView& values, const TokenRows& texts, Pooling pooling, const MutableFloatView& out);

}  // namespace sluice
