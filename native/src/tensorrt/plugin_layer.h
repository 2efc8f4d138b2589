#pragma once

#include <NvInfer.h>
#include <sluice/plugin.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tensorrt/plugins.h"

#if NV_TENSORRT_MAJOR >= 10
namespace sluice::tensorrt {

/** What the ONNX parser and plans look the creator up by; its namespace is empty. */
constexpr const char* kPluginName = "Plugin";
constexpr const char* kPluginVersion = "1";

/** Tells the log that a plugin has failed, from a place that must not throw. */
void TellPluginFailure(const std::string& class_name, const char* reason) noexcept;

/** A sluice::Plugin as TensorRT sees it. What the class throws is logged, and TensorRT gets a failure. */
class PluginLayer final : public nvinfer1::IPluginV3,
                          public nvinfer1::IPluginV3OneCore,
                          public nvinfer1::IPluginV3OneBuild,
                          public nvinfer1::IPluginV3OneRuntime {
 public:
  /** Throws Error where the class refuses `info`. */
  PluginLayer(std::string class_name, std::string info, PluginMaker make);

  // IPluginV3
  nvinfer1::IPluginCapability* getCapabilityInterface(nvinfer1::PluginCapabilityType type) noexcept override;
  nvinfer1::IPluginV3* clone() noexcept override;

  // IPluginV3OneCore
  const char* getPluginName() const noexcept override;
  const char* getPluginVersion() const noexcept override;
  const char* getPluginNamespace() const noexcept override;

  // IPluginV3OneBuild
  std::int32_t configurePlugin(const nvinfer1::DynamicPluginTensorDesc* in, std::int32_t inputs,
                               const nvinfer1::DynamicPluginTensorDesc* out, std::int32_t outputs) noexcept override;
  std::int32_t getOutputDataTypes(nvinfer1::DataType* output_types, std::int32_t outputs,
                                  const nvinfer1::DataType* input_types, std::int32_t inputs) const noexcept override;
  std::int32_t getOutputShapes(const nvinfer1::DimsExprs* in, std::int32_t inputs, const nvinfer1::DimsExprs* shape_in,
                               std::int32_t shape_inputs, nvinfer1::DimsExprs* out, std::int32_t outputs,
                               nvinfer1::IExprBuilder& builder) noexcept override;
  bool supportsFormatCombination(std::int32_t position, const nvinfer1::DynamicPluginTensorDesc* tensors,
                                 std::int32_t inputs, std::int32_t outputs) noexcept override;
  std::int32_t getNbOutputs() const noexcept override;
  std::size_t getWorkspaceSize(const nvinfer1::DynamicPluginTensorDesc* in, std::int32_t inputs,
                               const nvinfer1::DynamicPluginTensorDesc* out,
                               std::int32_t outputs) const noexcept override;

  // IPluginV3OneRuntime
  std::int32_t onShapeChange(const nvinfer1::PluginTensorDesc* in, std::int32_t inputs,
                             const nvinfer1::PluginTensorDesc* out, std::int32_t outputs) noexcept override;
  std::int32_t enqueue(const nvinfer1::PluginTensorDesc* in_shapes, const nvinfer1::PluginTensorDesc* out_shapes,
                       const void* const* in, void* const* out, void* workspace, cudaStream_t stream) noexcept override;
  nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext* context) noexcept override;
  const nvinfer1::PluginFieldCollection* getFieldsToSerialize() noexcept override;

 private:
  /** What `body` returns, or `otherwise` where it throws. */
  template <typename Result, typename Body>
  Result Guarded(Result otherwise, Body body) const noexcept;
  void CheckCounts(std::int32_t inputs, std::int32_t outputs) const;

  const std::string class_name_;
  const std::string info_;
  const PluginMaker make_;
  const std::unique_ptr<Plugin> plugin_;
  const std::array<nvinfer1::PluginField, 2> fields_;
  const nvinfer1::PluginFieldCollection collection_;
  // Made by onShapeChange, so that enqueue allocates nothing.
  std::vector<Tensor> inputs_;
  std::vector<Tensor> weights_;
  std::vector<Tensor> outputs_;
};

}  // namespace sluice::tensorrt
#endif
