#pragma once

#include <string>
#include <vector>

namespace sluice::tensorrt {

/**
 * Loads the shared libraries of plugins, each once for the process, and registers the plugin classes inside: those of
 * sluice/plugin.h, and whatever a library registers with TensorRT by itself. Throws Error kModelInvalid naming the file.
 */
void LoadPlugins(const std::vector<std::string>& files);

}  // namespace sluice::tensorrt
