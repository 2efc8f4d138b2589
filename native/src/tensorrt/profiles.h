#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <vector>

#include "tensorrt/build_engine.h"

namespace sluice::tensorrt {

/**
 * Adds the optimisation profiles. The batch is dimension 0 of every input, height and width are 2 and 3 of a
 * picture, the length is 1 of texts; of tensors the profile has all sizes. Throws Error kModelInvalid where a size that
 * the file fixes is not the one asked for, or one that it leaves open is not given.
 */
void AddProfiles(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                 nvinfer1::IBuilderConfig& config, const std::vector<BuildProfile>& profiles);

/** The profile of batches of exactly `batch` rows, as high and wide as `profile` is tuned for. */
BuildProfile ProfileOfBatch(const BuildProfile& profile, std::int32_t batch);

/** The shape of an input at what `profile` is tuned for. Throws as AddProfiles does. */
std::vector<std::int64_t> TunedShape(const nvinfer1::ITensor& input, const BuildProfile& profile);

/** A profile of its own, owned by the builder. Throws as AddProfiles does. */
nvinfer1::IOptimizationProfile& MakeProfile(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                                            const BuildProfile& profile);

}  // namespace sluice::tensorrt
