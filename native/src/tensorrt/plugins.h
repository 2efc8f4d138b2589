#pragma once

#include <string>
#include <vector>

namespace sluice {
class Plugin;
}

namespace sluice::tensorrt {

/**
 * Loads the shared libraries of plugins, each once for the process, and registers the plugin classes inside: those of
 * sluice/plugin.h, and whatever a library registers with TensorRT by itself. Throws Error kModelInvalid naming the
 * file.
 */
void LoadPlugins(const std::vector<std::string>& files);

/** Makes a new object of a class, and its caller the owner. */
using PluginMaker = Plugin* (*)();

/** A class in one of the libraries. Throws Error kModelInvalid where none or more than one has it. */
PluginMaker FindPlugin(const std::string& class_name);

}  // namespace sluice::tensorrt
