#include "tensorrt/plugin_creator.h"

#include <NvInfer.h>

#include <array>
#include <exception>
#include <utility>

#include "params/error.h"
#include "tensorrt/library.h"
#include "tensorrt/logger.h"
#include "tensorrt/plugin_layer.h"
#include "tensorrt/plugins.h"

namespace sluice::tensorrt {
namespace {

thread_local std::string last_error;

}  // namespace

std::string TakePluginError() { return std::exchange(last_error, {}); }

#if NV_TENSORRT_MAJOR >= 10
namespace {

/** The text of a field, which comes with an end mark from the parser. */
std::string TextOf(const nvinfer1::PluginField& field) {
  std::string text(static_cast<const char*>(field.data), static_cast<std::size_t>(field.length));
  return text.substr(0, text.find('\0'));
}

class PluginCreator final : public nvinfer1::IPluginCreatorV3One {
 public:
  const char* getPluginName() const noexcept override { return kPluginName; }
  const char* getPluginVersion() const noexcept override { return kPluginVersion; }
  const char* getPluginNamespace() const noexcept override { return ""; }
  const nvinfer1::PluginFieldCollection* getFieldNames() noexcept override { return &collection_; }

  nvinfer1::IPluginV3* createPlugin(const char* node, const nvinfer1::PluginFieldCollection* fields,
                                    nvinfer1::TensorRTPhase) noexcept override {
    std::string class_name;
    try {
      std::string info;
      for (std::int32_t i = 0; i < fields->nbFields; i++) {
        const nvinfer1::PluginField& field = fields->fields[i];
        if (std::string("name") == field.name) class_name = TextOf(field);
        if (std::string("info") == field.name) info = TextOf(field);
      }
      if (class_name.empty()) {
        throw Error(ErrorCode::kModelInvalid,
                    std::string("the Plugin node \"") + node + "\" has no attribute name (name_s in PyTorch)");
      }
      return new PluginLayer(class_name, info, FindPlugin(class_name));
    } catch (const std::exception& error) {
      TellPluginFailure(class_name, error.what());
      last_error = error.what();
      return nullptr;
    } catch (...) {
      return nullptr;
    }
  }

 private:
  const std::array<nvinfer1::PluginField, 2> fields_{
      nvinfer1::PluginField("name", nullptr, nvinfer1::PluginFieldType::kCHAR, 1),
      nvinfer1::PluginField("info", nullptr, nvinfer1::PluginFieldType::kCHAR, 1),
  };
  const nvinfer1::PluginFieldCollection collection_{static_cast<std::int32_t>(fields_.size()), fields_.data()};
};

}  // namespace

void RegisterPluginCreator() {
  // Never destroyed: the registry asks it as long as the process lives.
  static const bool registered = PluginRegistry().registerCreator(*new PluginCreator(), "");
  if (!registered) {
    throw Error(ErrorCode::kModelInvalid, "another library has already registered a TensorRT plugin called Plugin");
  }
}
#else
// Libraries with such classes are refused, so there is nothing to create.
void RegisterPluginCreator() { PluginRegistry(); }
#endif

}  // namespace sluice::tensorrt
