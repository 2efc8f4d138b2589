#pragma once

#include <string>

namespace sluice::tensorrt {

/** Makes TensorRT know the op_type "Plugin", once for the process; sluice/plugin.h tells the rest. */
void RegisterPluginCreator();

/**
 * Why the last plugin of this thread could not be made, and forgets it; empty: none has failed. TensorRT itself only
 * says that there is none.
 */
std::string TakePluginError();

}  // namespace sluice::tensorrt
