# The GPU's operators, engines and addon. Included where gpu.cmake found what they need.

set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)

# Static where the toolkit has it, so that the addon also loads where CUDA is not installed.
set(nvjpeg CUDA::nvjpeg)
if(TARGET CUDA::nvjpeg_static)
  set(nvjpeg CUDA::nvjpeg_static)
endif()

file(GLOB cuda_sources CONFIGURE_DEPENDS src/cuda/*.cc src/cuda/*.cu src/cuda/heads/*.cu)
add_library(sluice_cuda STATIC ${cuda_sources})
target_include_directories(sluice_cuda PUBLIC src)
# No contraction, as on the CPU: both compute the same to the bit.
target_compile_options(sluice_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false -Xcompiler=-Wall,-Wextra>)
target_link_libraries(sluice_cuda PUBLIC sluice_operators CUDA::cudart_static ${nvjpeg} ${CMAKE_DL_LIBS})

file(GLOB tensorrt_sources CONFIGURE_DEPENDS src/tensorrt/*.cc src/instance/*.cc)
add_library(sluice_tensorrt STATIC ${tensorrt_sources})
target_include_directories(sluice_tensorrt SYSTEM PUBLIC ${SLUICE_TENSORRT_INCLUDE})
# NVIDIA's headers use what they declare deprecated.
target_compile_options(sluice_tensorrt PUBLIC $<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>)
target_link_libraries(sluice_tensorrt PUBLIC sluice_cuda Threads::Threads)

# The C++ interface, for programs that are no server: sluice/sluice.h and this library, which shows nothing else.
include(GNUInstallDirs)
file(GLOB api_sources CONFIGURE_DEPENDS src/api/*.cc)
add_library(libsluice SHARED ${api_sources})
set_target_properties(libsluice PROPERTIES
  OUTPUT_NAME sluice VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_include_directories(libsluice PUBLIC include)
target_link_libraries(libsluice PRIVATE sluice_tensorrt)
# TensorRT goes on pointing to the logger and the plugins that were registered with it.
target_link_options(libsluice PRIVATE LINKER:--exclude-libs,ALL LINKER:-z,nodelete LINKER:-z,defs)
install(TARGETS libsluice LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/sluice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

function(add_api_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE libsluice Threads::Threads)
endfunction()

add_api_program(example_yolox examples/yolox.cc)
add_api_program(infer_api_test test/infer_api.cc test/infer_api_host.cc)
set_target_properties(infer_api_test PROPERTIES EXCLUDE_FROM_ALL TRUE)

# A library of plugin classes: sluice/plugin.h and CUDA are all it needs. `<name>.so`, beside the addon.
function(add_plugin_library target name)
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so" CUDA_VISIBILITY_PRESET hidden)
  target_include_directories(${target} PRIVATE include)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)
endfunction()

add_plugin_library(hswish_plugin hswish plugins/hswish.cu)
# For tests alone, and so only built when asked for.
add_plugin_library(crash_plugin crash test/crash_plugin.cu)
set_target_properties(crash_plugin PROPERTIES EXCLUDE_FROM_ALL TRUE)

if(CMAKE_JS_INC)
  file(GLOB gpu_addon_sources CONFIGURE_DEPENDS src/addon/gpu/*.cc)
  add_addon(sluice_gpu ${gpu_addon_sources}
    src/addon/argument.cc src/addon/detection_arguments.cc src/addon/pixel_arguments.cc)
  target_link_libraries(sluice_gpu PRIVATE sluice_tensorrt)
  # Node unloads an addon with its last thread, but TensorRT goes on pointing to the plugins that were registered with it.
  target_link_options(sluice_gpu PRIVATE LINKER:-z,nodelete)
  target_compile_definitions(sluice_gpu PRIVATE SLUICE_CUDA_VERSION="${CUDAToolkit_VERSION}")
endif()

file(GLOB gpu_test_sources CONFIGURE_DEPENDS test/gpu_*.cc)
add_executable(gpu_operators_test EXCLUDE_FROM_ALL ${gpu_test_sources})
target_include_directories(gpu_operators_test PRIVATE test fuzz)
target_link_libraries(gpu_operators_test PRIVATE sluice_cuda)

add_executable(shared_memory_client EXCLUDE_FROM_ALL test/shared_memory_client.cc)
target_link_libraries(shared_memory_client PRIVATE sluice_cuda)
