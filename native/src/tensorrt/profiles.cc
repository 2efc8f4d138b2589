#include "tensorrt/profiles.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "params/error.h"
#include "tensorrt/compat.h"
#include "tensorrt/engine.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

using nvinfer1::OptProfileSelector;

std::string Text(const SizeRange& range) {
  if (range.min == range.max) return std::to_string(range.min);
  return std::to_string(range.min) + " to " + std::to_string(range.max);
}

const char* NameOf(std::int32_t dimension) {
  switch (dimension) {
    case 0:
      return "batch";
    case 1:
      return "length";
    case 2:
      return "height";
    default:
      return "width";
  }
}

/** What the profile says of a dimension of an input of `rank` dimensions; nothing where it has no say. */
std::optional<SizeRange> WantedRange(std::int32_t dimension, std::int32_t rank, const BuildProfile& profile) {
  if (dimension == 0) return profile.batch;
  if (rank == 2 && dimension == 1) return profile.length;
  if (rank != 4) return std::nullopt;
  if (dimension == 2) return profile.height;
  if (dimension == 3) return profile.width;
  return std::nullopt;
}

SizeRange RangeOf(const nvinfer1::ITensor& input, std::int32_t dimension, const BuildProfile& profile) {
  const nvinfer1::Dims shape = input.getDimensions();
  const auto fixed = static_cast<std::int32_t>(shape.d[dimension]);
  const std::optional<SizeRange> wanted = WantedRange(dimension, shape.nbDims, profile);
  const std::string place = "dimension " + std::to_string(dimension) + " of the input \"" + input.getName() + "\"";
  if (fixed < 0) {
    if (wanted) return *wanted;
    const bool picture = shape.nbDims == 4 && dimension >= 2;
    const std::string others = "only batch, height, width and the length of texts may be: fix it";
    throw Error(ErrorCode::kModelInvalid,
                place + " is open in the ONNX file; " +
                    (picture ? std::string("give the profile a ") + NameOf(dimension) : others));
  }
  if (wanted && (wanted->min != fixed || wanted->max != fixed)) {
    throw Error(ErrorCode::kModelInvalid, place + " is fixed at " + std::to_string(fixed) +
                                              " in the ONNX file, and the profile asks for a " + NameOf(dimension) +
                                              " of " + Text(*wanted) + "; ask for " + std::to_string(fixed) +
                                              ", or export the model with that dimension open");
  }
  return {fixed, fixed, fixed};
}

void SetRange(nvinfer1::IOptimizationProfile& profile, const nvinfer1::ITensor& input, const nvinfer1::Dims& min,
              const nvinfer1::Dims& opt, const nvinfer1::Dims& max) {
  if (profile.setDimensions(input.getName(), OptProfileSelector::kMIN, min) &&
      profile.setDimensions(input.getName(), OptProfileSelector::kOPT, opt) &&
      profile.setDimensions(input.getName(), OptProfileSelector::kMAX, max)) {
    return;
  }
  Fail(std::string("TensorRT refuses the sizes of the input \"") + input.getName() + "\"");
}

bool IsOpen(const nvinfer1::ITensor& input) {
  const nvinfer1::Dims shape = input.getDimensions();
  return std::any_of(shape.d, shape.d + std::max(shape.nbDims, 0), [](DimensionValue size) { return size < 0; });
}

void RefuseSizes(const nvinfer1::ITensor& input) {
  if (!input.isShapeTensor()) return;
  throw Error(ErrorCode::kModelInvalid, std::string("the input \"") + input.getName() +
                                            "\" tells sizes of other tensors, which TensorRT has to know beforehand");
}

/** Of one of several tensors: its profile has all sizes, or it has only one shape. */
void SetTensorRange(nvinfer1::IOptimizationProfile& profile, const nvinfer1::ITensor& input,
                    const std::vector<InputRange>& ranges) {
  if (!IsOpen(input)) return;
  const auto range = std::find_if(ranges.begin(), ranges.end(),
                                  [&input](const InputRange& one) { return one.name == input.getName(); });
  if (range == ranges.end()) {
    throw Error(ErrorCode::kModelInvalid, std::string("the profile lacks the input \"") + input.getName() + "\"");
  }
  const auto rank = static_cast<std::size_t>(input.getDimensions().nbDims);
  if (range->min.size() != rank || range->opt.size() != rank || range->max.size() != rank) {
    throw Error(ErrorCode::kModelInvalid, std::string("the profile has other dimensions than the input \"") +
                                              input.getName() + "\", which has " + std::to_string(rank));
  }
  SetRange(profile, input, DimsOf(range->min), DimsOf(range->opt), DimsOf(range->max));
}

void CheckRank(const nvinfer1::ITensor& input) {
  if (input.getDimensions().nbDims > 0) return;
  throw Error(ErrorCode::kModelInvalid,
              std::string("the input \"") + input.getName() + "\" has no dimensions, and the first one is the batch");
}

}  // namespace

nvinfer1::IOptimizationProfile& MakeProfile(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                                            const BuildProfile& profile) {
  nvinfer1::IOptimizationProfile& made =
      *Require(builder.createOptimizationProfile(), "TensorRT cannot start an optimisation profile");
  for (std::int32_t i = 0; i < network.getNbInputs(); i++) {
    const nvinfer1::ITensor& input = *network.getInput(i);
    if (!profile.inputs.empty()) {
      SetTensorRange(made, input, profile.inputs);
      continue;
    }
    CheckRank(input);
    nvinfer1::Dims min = input.getDimensions();
    nvinfer1::Dims opt = min;
    nvinfer1::Dims max = min;
    for (std::int32_t dimension = 0; dimension < min.nbDims; dimension++) {
      const SizeRange range = RangeOf(input, dimension, profile);
      min.d[dimension] = range.min;
      opt.d[dimension] = range.opt;
      max.d[dimension] = range.max;
    }
    SetRange(made, input, min, opt, max);
  }
  if (!made.isValid()) Fail("TensorRT refuses the optimisation profile");
  return made;
}

void AddProfiles(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                 nvinfer1::IBuilderConfig& config, const std::vector<BuildProfile>& profiles) {
  if (!profiles.front().inputs.empty()) {
    bool open = false;
    for (std::int32_t i = 0; i < network.getNbInputs(); i++) {
      RefuseSizes(*network.getInput(i));
      open = open || IsOpen(*network.getInput(i));
    }
    // Tensors of one shape each need no profile.
    if (!open) return;
  }
  for (const BuildProfile& profile : profiles) {
    if (config.addOptimizationProfile(&MakeProfile(builder, network, profile)) < 0) {
      Fail("TensorRT refuses the optimisation profile");
    }
  }
}

BuildProfile ProfileOfBatch(const BuildProfile& profile, std::int32_t batch) {
  const auto tuned = [](const std::optional<SizeRange>& range) -> std::optional<SizeRange> {
    if (!range) return std::nullopt;
    return SizeRange{range->opt, range->opt, range->opt};
  };
  return {{batch, batch, batch}, tuned(profile.height), tuned(profile.width), tuned(profile.length)};
}

std::vector<std::int64_t> TunedShape(const nvinfer1::ITensor& input, const BuildProfile& profile) {
  std::vector<std::int64_t> shape;
  for (std::int32_t i = 0; i < input.getDimensions().nbDims; i++) shape.push_back(RangeOf(input, i, profile).opt);
  return shape;
}

}  // namespace sluice::tensorrt
