#include "tensorrt/plugin_layer.h"

#if NV_TENSORRT_MAJOR >= 10
#include <exception>
#include <optional>
#include <utility>

#include "params/error.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

using nvinfer1::DataType;

constexpr std::int32_t kFailed = -1;

/** Nothing where plugins have no name for it. */
std::optional<ElementType> ElementTypeOf(DataType type) {
  switch (type) {
    case DataType::kFLOAT:
      return ElementType::kFloat;
    case DataType::kHALF:
      return ElementType::kHalf;
    case DataType::kINT8:
      return ElementType::kInt8;
    case DataType::kINT32:
      return ElementType::kInt32;
    case DataType::kINT64:
      return ElementType::kInt64;
    default:
      return std::nullopt;
  }
}

DataType DataTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kHalf:
      return DataType::kHALF;
    case ElementType::kInt8:
      return DataType::kINT8;
    case ElementType::kInt32:
      return DataType::kINT32;
    case ElementType::kInt64:
      return DataType::kINT64;
    case ElementType::kFloat:
      break;
  }
  return DataType::kFLOAT;
}

Shape ShapeOf(const nvinfer1::Dims& dims) { return Shape(dims.d, dims.d + dims.nbDims); }

std::vector<Shape> LargestShapes(const nvinfer1::DynamicPluginTensorDesc* tensors, std::int32_t count) {
  std::vector<Shape> shapes;
  for (std::int32_t i = 0; i < count; i++) shapes.push_back(ShapeOf(tensors[i].max));
  return shapes;
}

SymbolicShape SymbolicShapeOf(const nvinfer1::DimsExprs& dims) {
  SymbolicShape shape;
  for (std::int32_t i = 0; i < dims.nbDims; i++) shape.push_back(Extent::Known(dims.d[i]));
  return shape;
}

const nvinfer1::IDimensionExpr& Express(const Extent::Node& node, nvinfer1::IExprBuilder& builder) {
  using nvinfer1::DimensionOperation;
  using Operation = Extent::Operation;
  const auto operation = [&](DimensionOperation name) -> const nvinfer1::IDimensionExpr& {
    return *Require(builder.operation(name, Express(*node.left, builder), Express(*node.right, builder)),
                    "TensorRT refuses the expression of a dimension");
  };
  switch (node.operation) {
    case Operation::kKnown:
      return *static_cast<const nvinfer1::IDimensionExpr*>(node.known);
    case Operation::kSum:
      return operation(DimensionOperation::kSUM);
    case Operation::kDifference:
      return operation(DimensionOperation::kSUB);
    case Operation::kProduct:
      return operation(DimensionOperation::kPROD);
    case Operation::kFloorDiv:
      return operation(DimensionOperation::kFLOOR_DIV);
    case Operation::kCeilDiv:
      return operation(DimensionOperation::kCEIL_DIV);
    case Operation::kMax:
      return operation(DimensionOperation::kMAX);
    case Operation::kMin:
      return operation(DimensionOperation::kMIN);
    case Operation::kNumber:
      break;
  }
  return *Require(builder.constant(node.number), "TensorRT refuses a dimension");
}

Tensor TensorOf(const nvinfer1::PluginTensorDesc& tensor) {
  return {ElementTypeOf(tensor.type).value(), ShapeOf(tensor.dims), nullptr};
}

}  // namespace

void TellPluginFailure(const std::string& class_name, const char* reason) noexcept try {
  const std::string text = "plugin " + class_name + ": " + reason;
  Logger::Instance().log(nvinfer1::ILogger::Severity::kERROR, text.c_str());
} catch (...) {
}

PluginLayer::PluginLayer(std::string class_name, std::string info, PluginMaker make)
    : class_name_(std::move(class_name)),
      info_(std::move(info)),
      make_(make),
      plugin_(make()),
      // With their end marks, so that no field is empty.
      fields_{nvinfer1::PluginField("name", class_name_.c_str(), nvinfer1::PluginFieldType::kCHAR,
                                    static_cast<std::int32_t>(class_name_.size() + 1)),
              nvinfer1::PluginField("info", info_.c_str(), nvinfer1::PluginFieldType::kCHAR,
                                    static_cast<std::int32_t>(info_.size() + 1))},
      collection_{static_cast<std::int32_t>(fields_.size()), fields_.data()} {
  try {
    plugin_->Configure(info_);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kModelInvalid,
                "the plugin class " + class_name_ + " refuses the info \"" + info_ + "\": " + error.what());
  }
}

template <typename Result, typename Body>
Result PluginLayer::Guarded(Result otherwise, Body body) const noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    TellPluginFailure(class_name_, error.what());
  } catch (...) {
    TellPluginFailure(class_name_, "unknown failure");
  }
  return otherwise;
}

void PluginLayer::CheckCounts(std::int32_t inputs, std::int32_t outputs) const {
  if (inputs >= plugin_->Inputs() && outputs == plugin_->Outputs()) return;
  throw Error(ErrorCode::kModelInvalid,
              "its node has " + std::to_string(inputs) + " inputs and " + std::to_string(outputs) +
                  " outputs; the class has " + std::to_string(plugin_->Inputs()) +
                  " inputs, maybe weights after them, and " + std::to_string(plugin_->Outputs()) + " outputs");
}

nvinfer1::IPluginCapability* PluginLayer::getCapabilityInterface(nvinfer1::PluginCapabilityType type) noexcept {
  switch (type) {
    case nvinfer1::PluginCapabilityType::kCORE:
      return static_cast<nvinfer1::IPluginV3OneCore*>(this);
    case nvinfer1::PluginCapabilityType::kBUILD:
      return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
    case nvinfer1::PluginCapabilityType::kRUNTIME:
      return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
  }
  return nullptr;
}

nvinfer1::IPluginV3* PluginLayer::clone() noexcept {
  return Guarded<nvinfer1::IPluginV3*>(nullptr, [&] { return new PluginLayer(class_name_, info_, make_); });
}

const char* PluginLayer::getPluginName() const noexcept { return kPluginName; }
const char* PluginLayer::getPluginVersion() const noexcept { return kPluginVersion; }
const char* PluginLayer::getPluginNamespace() const noexcept { return ""; }

std::int32_t PluginLayer::configurePlugin(const nvinfer1::DynamicPluginTensorDesc*, std::int32_t inputs,
                                          const nvinfer1::DynamicPluginTensorDesc*, std::int32_t outputs) noexcept {
  return Guarded(kFailed, [&] {
    CheckCounts(inputs, outputs);
    return 0;
  });
}

std::int32_t PluginLayer::getOutputDataTypes(DataType* output_types, std::int32_t outputs, const DataType* input_types,
                                             std::int32_t inputs) const noexcept {
  return Guarded(kFailed, [&] {
    CheckCounts(inputs, outputs);
    std::vector<ElementType> types;
    for (std::int32_t i = 0; i < plugin_->Inputs(); i++) {
      const std::optional<ElementType> type = ElementTypeOf(input_types[i]);
      if (!type) throw Error(ErrorCode::kModelInvalid, "input " + std::to_string(i) + " is of a type it cannot have");
      types.push_back(*type);
    }
    for (std::int32_t i = 0; i < outputs; i++) output_types[i] = DataTypeOf(plugin_->OutputType(i, types));
    return 0;
  });
}

std::int32_t PluginLayer::getOutputShapes(const nvinfer1::DimsExprs* in, std::int32_t inputs,
                                          const nvinfer1::DimsExprs*, std::int32_t, nvinfer1::DimsExprs* out,
                                          std::int32_t outputs, nvinfer1::IExprBuilder& builder) noexcept {
  return Guarded(kFailed, [&] {
    CheckCounts(inputs, outputs);
    std::vector<SymbolicShape> input_shapes;
    std::vector<SymbolicShape> weight_shapes;
    for (std::int32_t i = 0; i < inputs; i++) {
      (i < plugin_->Inputs() ? input_shapes : weight_shapes).push_back(SymbolicShapeOf(in[i]));
    }
    for (std::int32_t i = 0; i < outputs; i++) {
      const SymbolicShape shape = plugin_->OutputShape(i, input_shapes, weight_shapes);
      if (shape.size() > nvinfer1::Dims::MAX_DIMS) {
        throw Error(ErrorCode::kModelInvalid, "output " + std::to_string(i) + " has too many dimensions");
      }
      out[i].nbDims = static_cast<std::int32_t>(shape.size());
      for (std::size_t k = 0; k < shape.size(); k++) out[i].d[k] = &Express(shape[k].node(), builder);
    }
    return 0;
  });
}

bool PluginLayer::supportsFormatCombination(std::int32_t position, const nvinfer1::DynamicPluginTensorDesc* tensors,
                                            std::int32_t, std::int32_t) noexcept {
  return Guarded(false, [&] {
    if (tensors[position].desc.format != nvinfer1::TensorFormat::kLINEAR) return false;
    std::vector<ElementType> types;
    for (std::int32_t i = 0; i <= position; i++) {
      const std::optional<ElementType> type = ElementTypeOf(tensors[i].desc.type);
      if (!type) return false;
      types.push_back(*type);
    }
    return plugin_->Supports(types);
  });
}

std::int32_t PluginLayer::getNbOutputs() const noexcept {
  return Guarded(0, [&] { return plugin_->Outputs(); });
}

std::size_t PluginLayer::getWorkspaceSize(const nvinfer1::DynamicPluginTensorDesc* in, std::int32_t,
                                          const nvinfer1::DynamicPluginTensorDesc* out,
                                          std::int32_t outputs) const noexcept {
  return Guarded<std::size_t>(
      0, [&] { return plugin_->WorkspaceBytes(LargestShapes(in, plugin_->Inputs()), LargestShapes(out, outputs)); });
}

std::int32_t PluginLayer::onShapeChange(const nvinfer1::PluginTensorDesc* in, std::int32_t inputs,
                                        const nvinfer1::PluginTensorDesc* out, std::int32_t outputs) noexcept {
  return Guarded(kFailed, [&] {
    CheckCounts(inputs, outputs);
    inputs_.clear();
    weights_.clear();
    outputs_.clear();
    for (std::int32_t i = 0; i < inputs; i++) (i < plugin_->Inputs() ? inputs_ : weights_).push_back(TensorOf(in[i]));
    for (std::int32_t i = 0; i < outputs; i++) outputs_.push_back(TensorOf(out[i]));
    return 0;
  });
}

std::int32_t PluginLayer::enqueue(const nvinfer1::PluginTensorDesc*, const nvinfer1::PluginTensorDesc*,
                                  const void* const* in, void* const* out, void* workspace,
                                  cudaStream_t stream) noexcept {
  return Guarded(kFailed, [&] {
    std::size_t next = 0;
    for (Tensor& tensor : inputs_) tensor.data = const_cast<void*>(in[next++]);
    for (Tensor& tensor : weights_) tensor.data = const_cast<void*>(in[next++]);
    next = 0;
    for (Tensor& tensor : outputs_) tensor.data = out[next++];
    plugin_->Enqueue(inputs_, outputs_, weights_, workspace, stream);
    return 0;
  });
}

nvinfer1::IPluginV3* PluginLayer::attachToContext(nvinfer1::IPluginResourceContext*) noexcept { return clone(); }

const nvinfer1::PluginFieldCollection* PluginLayer::getFieldsToSerialize() noexcept { return &collection_; }

}  // namespace sluice::tensorrt
#endif
