#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "params/detection_spec.h"
#include "params/table.h"

namespace sluice {

/** Helpers of those who make heads of several outputs. Shapes are of one picture, without the batch. */

/** A size that may be anything. */
constexpr std::int64_t kAnySize = -1;

/** What a head wants one of its outputs to be. */
struct OutputRole {
  /** What the output may be called. */
  std::vector<std::string> names;
  std::vector<std::int64_t> dims;
};

/**
 * The place of the output of each role: the one of its name, else the first of its shape that no role before it took
 * and that has no other role's name. An output without dimensions counts as one of a single value. Throws Error
 * kModelInvalid where an output is missing, over or of another shape than `expected` tells.
 */
std::vector<std::size_t> FindOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                     const std::vector<OutputRole>& roles, const std::string& expected);

/** `loc [1,16800,4] conf [1,16800,2]`: roles whose sizes are all known, under the first of their names. */
std::string RolesText(const std::vector<OutputRole>& roles);

/** Output `index` as a table of rows of its last dimension; one of a single dimension has one value a row. */
Table TableOf(const std::vector<OutputShape>& outputs, const std::vector<const float*>& data, std::size_t index);

}  // namespace sluice
