#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "params/detection_spec.h"

namespace sluice {

/** Helpers of those who make heads. Shapes are of one picture, without the batch. */

/** Throws Error kModelInvalid: the outputs are not the `expected` ones, `[1,A,5+C]`. */
[[noreturn]] void RefuseOutputs(const DetectionSpec& spec, const std::string& expected,
                                const std::vector<OutputShape>& outputs);

/** Throws Error kModelInvalid unless the labels file, where there is one, has a line for each of `classes`. */
void CheckClasses(const DetectionSpec& spec, std::int64_t classes);

/**
 * The place of the one output of `rank` dimensions; of several, that of the one that is called `output`, `output0`,
 * `predictions` or `detections`. -1: there is none.
 */
int FindOutput(const std::vector<OutputShape>& outputs, std::size_t rank);

/** `[1,84,8400]`, as the model has it for a batch of one. */
std::string OutputText(const std::vector<std::int64_t>& dims);

/** The strides of the specification, or else `fallback`, which outlives the answer. */
const std::vector<std::int32_t>& StridesOr(const DetectionSpec& spec, const std::vector<std::int32_t>& fallback);

/** Cells of the maps of all strides; a map that the stride does not divide has one more. */
std::int64_t CellsOf(const DetectionSpec& spec, const std::vector<std::int32_t>& strides);

/** Cells of a side. */
inline std::int32_t CellsOf(std::int32_t side, std::int32_t stride) { return (side + stride - 1) / stride; }

}  // namespace sluice
