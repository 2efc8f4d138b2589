#pragma once

#include <string>
#include <vector>

namespace sluice::tensorrt {

/**
 * Loads the shared libraries of plugins, each once for the process, and registers the plugin classes inside: those of
 * sluice/plugin.h, and whatever a library registers with TensorRT by itself. Throws Error kModelInvalid naming the file.
 */
void LoadPlugins(const std::vector<std::string>& files);

/**
 * Why the last plugin of this thread could not be made, and forgets it; empty: none has failed. TensorRT itself only says
 * that there is none.
 */
std::string TakePluginError();

}  // namespace sluice::tensorrt
