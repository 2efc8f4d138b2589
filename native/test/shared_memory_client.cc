/**
 * Shares memory of a GPU as a client of the server does, for tests of the server.
 *
 *   shared_memory_client DEVICE BYTES [OFFSET]
 *
 * Allocates BYTES of zeros and prints the handle that CUDA makes of the address OFFSET bytes on, in hexadecimal. Then it
 * answers one line with one line: `put OFFSET HEX` writes bytes there and says `ok`, `get OFFSET COUNT` tells what lies
 * there. At the end of its input it frees the memory.
 */
#include <cuda_runtime_api.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cuda/check.h"

namespace {

void PrintHex(const unsigned char* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; i++) std::printf("%02x", bytes[i]);
  std::printf("\n");
  std::fflush(stdout);
}

std::vector<unsigned char> FromHex(const std::string& text) {
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<unsigned char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

void Serve(unsigned char* memory) {
  std::string what;
  std::size_t offset = 0;
  while (std::cin >> what >> offset) {
    if (what == "put") {
      std::string hex;
      std::cin >> hex;
      const std::vector<unsigned char> bytes = FromHex(hex);
      SLUICE_CUDA(cudaMemcpy(memory + offset, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
      SLUICE_CUDA(cudaDeviceSynchronize());
      std::printf("ok\n");
      std::fflush(stdout);
    } else {
      std::size_t count = 0;
      std::cin >> count;
      std::vector<unsigned char> bytes(count);
      SLUICE_CUDA(cudaMemcpy(bytes.data(), memory + offset, count, cudaMemcpyDeviceToHost));
      PrintHex(bytes.data(), count);
    }
  }
}

void Share(int device, std::size_t bytes, std::size_t offset) {
  SLUICE_CUDA(cudaSetDevice(device));
  void* memory = nullptr;
  SLUICE_CUDA(cudaMalloc(&memory, bytes));
  SLUICE_CUDA(cudaMemset(memory, 0, bytes));
  SLUICE_CUDA(cudaDeviceSynchronize());
  cudaIpcMemHandle_t handle;
  SLUICE_CUDA(cudaIpcGetMemHandle(&handle, static_cast<unsigned char*>(memory) + offset));
  PrintHex(reinterpret_cast<const unsigned char*>(&handle), sizeof(handle));
  Serve(static_cast<unsigned char*>(memory));
  SLUICE_CUDA(cudaFree(memory));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: shared_memory_client DEVICE BYTES [OFFSET]\n");
    return 2;
  }
  try {
    Share(std::stoi(argv[1]), std::stoull(argv[2]), argc > 3 ? std::stoull(argv[3]) : 0);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
