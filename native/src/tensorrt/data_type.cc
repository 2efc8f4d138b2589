#include "tensorrt/data_type.h"

#include <numeric>

namespace sluice::tensorrt {

const char* NameOf(nvinfer1::DataType type) {
  switch (type) {
    case nvinfer1::DataType::kFLOAT:
      return "FP32";
    case nvinfer1::DataType::kHALF:
      return "FP16";
    case nvinfer1::DataType::kINT8:
      return "INT8";
    case nvinfer1::DataType::kINT32:
      return "INT32";
    case nvinfer1::DataType::kBOOL:
      return "BOOL";
    case nvinfer1::DataType::kUINT8:
      return "UINT8";
#if NV_TENSORRT_MAJOR >= 10
    case nvinfer1::DataType::kBF16:
      return "BF16";
    case nvinfer1::DataType::kINT64:
      return "INT64";
#endif
    default:
      return nullptr;
  }
}

std::size_t BytesOf(nvinfer1::DataType type) {
  switch (type) {
    case nvinfer1::DataType::kINT8:
    case nvinfer1::DataType::kBOOL:
    case nvinfer1::DataType::kUINT8:
      return 1;
    case nvinfer1::DataType::kHALF:
#if NV_TENSORRT_MAJOR >= 10
    case nvinfer1::DataType::kBF16:
#endif
      return 2;
#if NV_TENSORRT_MAJOR >= 10
    case nvinfer1::DataType::kINT64:
      return 8;
#endif
    default:
      return 4;
  }
}

std::size_t BytesOfWholeNumber(nvinfer1::DataType type) {
  if (type == nvinfer1::DataType::kINT32) return BytesOf(type);
#if NV_TENSORRT_MAJOR >= 10
  if (type == nvinfer1::DataType::kINT64) return BytesOf(type);
#endif
  return 0;
}

std::size_t VolumeOf(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         [](std::size_t product, std::int64_t size) { return product * static_cast<std::size_t>(size); });
}

}  // namespace sluice::tensorrt
