#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "params/detection_spec.h"
#include "params/heads/rows.h"

namespace sluice {

/** A size that may be anything from 1 on. */
constexpr std::int64_t kAnySize = -1;

/** Most candidates of a picture: they are counted in 32 bits. */
constexpr std::int64_t kMostCandidates = 0x7fffffff;

/** What a head wants one of its outputs to be. */
struct OutputRole {
  /** What the output is known by. The first of these is how messages call it. */
  std::vector<std::string> names;
  /** Of one picture; kAnySize fits all. */
  std::vector<std::int64_t> dims;
};

/** Throws Error kModelInvalid with `expected` and the shapes that were found. */
[[noreturn]] void RefuseOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                                const std::string& expected);

/**
 * The index of the output of each role: the one of its name, else the first of its shape that no role before it took and
 * that has no other role's name. An output without dims is taken as one of a single value. Throws as RefuseOutputs where
 * an output is missing, over or of another shape.
 */
std::vector<std::size_t> FindOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                                     const std::vector<OutputRole>& roles, const std::string& expected);

/** `loc [16800,4] conf [16800,2]`: how messages tell of roles; sizes that may be anything are `?`. */
std::string RolesText(const std::vector<OutputRole>& roles);

/** The view of output `index` as a table of rows of its last size. Pointers that are missing are null. */
Rows RowsOf(const std::vector<OutputShape>& shapes, const std::vector<const float*>& outputs, std::size_t index);

/** The address of output `index`, null where addresses are missing. */
const float* DataOf(const std::vector<const float*>& outputs, std::size_t index);

/** How many cells of `stride` pixels cover `pixels`. */
inline std::int64_t CellsOver(std::int32_t pixels, std::int32_t stride) {
  return (std::int64_t{pixels} + stride - 1) / stride;
}

}  // namespace sluice
