/**
 * Shares memory of a GPU as a client of the server does, for tests of the server.
 *
 *   shared_memory_client DEVICE BYTES..
 *
 * Makes an allocation of zeros for each number and prints the handle of each, in hexadecimal, on a line. Then it answers
 * one line with one line: `put ALLOCATION OFFSET HEX` writes bytes there and says `ok`, `get ALLOCATION OFFSET COUNT` tells
 * what lies there; allocations count from 0. At the end of its input it frees the memory.
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

unsigned char* Allocate(std::size_t bytes) {
  void* memory = nullptr;
  SLUICE_CUDA(cudaMalloc(&memory, bytes));
  SLUICE_CUDA(cudaMemset(memory, 0, bytes));
  SLUICE_CUDA(cudaDeviceSynchronize());
  return static_cast<unsigned char*>(memory);
}

void PrintHandle(unsigned char* memory) {
  cudaIpcMemHandle_t handle;
  SLUICE_CUDA(cudaIpcGetMemHandle(&handle, memory));
  PrintHex(reinterpret_cast<const unsigned char*>(&handle), sizeof(handle));
}

void Put(unsigned char* out) {
  std::string hex;
  std::cin >> hex;
  const std::vector<unsigned char> bytes = FromHex(hex);
  SLUICE_CUDA(cudaMemcpy(out, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
  SLUICE_CUDA(cudaDeviceSynchronize());
  std::printf("ok\n");
  std::fflush(stdout);
}

void Get(const unsigned char* from) {
  std::size_t count = 0;
  std::cin >> count;
  std::vector<unsigned char> bytes(count);
  SLUICE_CUDA(cudaMemcpy(bytes.data(), from, count, cudaMemcpyDeviceToHost));
  PrintHex(bytes.data(), count);
}

void Share(int device, const std::vector<std::size_t>& sizes) {
  SLUICE_CUDA(cudaSetDevice(device));
  std::vector<unsigned char*> allocations;
  for (const std::size_t bytes : sizes) allocations.push_back(Allocate(bytes));
  for (unsigned char* memory : allocations) PrintHandle(memory);
  std::string what;
  std::size_t allocation = 0;
  std::size_t offset = 0;
  while (std::cin >> what >> allocation >> offset) {
    unsigned char* const at = allocations.at(allocation) + offset;
    if (what == "put") Put(at);
    else Get(at);
  }
  for (unsigned char* memory : allocations) SLUICE_CUDA(cudaFree(memory));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: shared_memory_client DEVICE BYTES..\n");
    return 2;
  }
  try {
    std::vector<std::size_t> sizes;
    for (int i = 2; i < argc; i++) sizes.push_back(std::stoull(argv[i]));
    Share(std::stoi(argv[1]), sizes);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
