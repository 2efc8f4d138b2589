#include "tensorrt/plugins.h"

#include <dlfcn.h>
#include <sluice/plugin.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "params/error.h"
#include "tensorrt/library.h"
#include "tensorrt/logger.h"
#include "tensorrt/plugin_creator.h"

namespace sluice::tensorrt {
namespace {

struct LoadedLibrary {
  /** Without links. */
  std::string file;
  /** Never closed: plans and objects of its classes may be anywhere. */
  void* handle;
};

struct Libraries {
  std::mutex mutex;
  std::vector<LoadedLibrary> loaded;

  static Libraries& Instance() {
    static Libraries& instance = *new Libraries();
    return instance;
  }
};

[[noreturn]] void Refuse(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::kModelInvalid, "cannot load the plugin library " + file + ": " + reason);
}

void CheckVersion(const LoadedLibrary& library) {
  void* const symbol = dlsym(library.handle, "sluice_plugin_version");
  if (symbol == nullptr) return;
  if (NV_TENSORRT_MAJOR < 10) {
    Refuse(library.file, "classes of sluice/plugin.h need TensorRT 10; this build has " +
                             std::to_string(NV_TENSORRT_MAJOR) + "." + std::to_string(NV_TENSORRT_MINOR));
  }
  const int version = reinterpret_cast<int (*)()>(symbol)();
  if (version == SLUICE_PLUGIN_VERSION) return;
  Refuse(library.file, "it is built with version " + std::to_string(version) +
                           " of sluice/plugin.h, and the server has " + std::to_string(SLUICE_PLUGIN_VERSION) +
                           "; build it anew");
}

/** TensorRT's own protocol for libraries of plugins, beside that of registering as they are loaded. */
void RegisterCreators(const LoadedLibrary& library) {
  const bool has_creators = dlsym(library.handle, "getCreators") != nullptr;
  const bool has_old_creators = dlsym(library.handle, "getPluginCreators") != nullptr;
  if (!has_creators && !has_old_creators) return;
  if (PluginRegistry().loadLibrary(library.file.c_str()) == nullptr) {
    Fail("cannot load the plugin library " + library.file);
  }
}

/** With the mutex held. */
void Load(const std::string& file, std::vector<LoadedLibrary>& loaded) {
  std::error_code missing;
  const std::string path = std::filesystem::canonical(file, missing).string();
  if (missing) Refuse(file, missing.message());
  if (std::any_of(loaded.begin(), loaded.end(), [&](const LoadedLibrary& library) { return library.file == path; })) {
    return;
  }
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) Refuse(file, dlerror());
  const LoadedLibrary library = {path, handle};
  CheckVersion(library);
  RegisterCreators(library);
  loaded.push_back(library);
}

}  // namespace

void LoadPlugins(const std::vector<std::string>& files) {
  Libraries& libraries = Libraries::Instance();
  const std::lock_guard<std::mutex> lock(libraries.mutex);
  // Before the libraries: those that register by themselves need TensorRT's. And without any, so that a node "Plugin"
  // in a file is told what it lacks.
  RegisterPluginCreator();
  for (const std::string& file : files) Load(file, libraries.loaded);
}

PluginMaker FindPlugin(const std::string& class_name) {
  Libraries& libraries = Libraries::Instance();
  const std::lock_guard<std::mutex> lock(libraries.mutex);
  const std::string symbol = "sluice_plugin_" + class_name;
  void* maker = nullptr;
  std::string owner;
  std::string files;
  for (const LoadedLibrary& library : libraries.loaded) {
    files += (files.empty() ? "" : ", ") + library.file;
    void* const found = dlsym(library.handle, symbol.c_str());
    if (found == nullptr) continue;
    if (maker != nullptr) {
      throw Error(ErrorCode::kModelInvalid, "both " + owner + " and " + library.file + " have a plugin class " +
                                                class_name +
                                                "; rename one, or restart the server if one is of the past");
    }
    maker = found;
    owner = library.file;
  }
  if (maker == nullptr) {
    throw Error(ErrorCode::kModelInvalid, "no plugin library has a class " + class_name +
                                              (files.empty() ? ", and none is loaded" : "; loaded are " + files) +
                                              "; list the one that has it under plugins in the model's configuration");
  }
  return reinterpret_cast<PluginMaker>(maker);
}

}  // namespace sluice::tensorrt
