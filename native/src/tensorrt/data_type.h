#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::tensorrt {

/** The type in the words of the open inference protocol, `FP32`; null where it has none. */
const char* NameOf(nvinfer1::DataType type);

/** Bytes of one value of a type that has a name. */
std::size_t BytesOf(nvinfer1::DataType type);

/** Bytes of one value of a type of whole numbers that tokens may have: 4 or 8; 0 for other types. */
std::size_t BytesOfWholeNumber(nvinfer1::DataType type);

/** How many values a shape has. */
std::size_t VolumeOf(const std::vector<std::int64_t>& shape);

}  // namespace sluice::tensorrt
