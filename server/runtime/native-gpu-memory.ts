/** Memory that another process has allocated on a GPU, for the native GPU addon; see native-gpu.ts. */

export interface SharedMemorySpec {
  readonly device: number;
  /** A cudaIpcMemHandle_t, of memory from cudaMalloc: 64 bytes. */
  readonly handle: Uint8Array;
  /** Bytes from the start of the allocation. */
  readonly byteSize: number;
}

/** It is copied, synchronously, and may be of a process that has ended. One call at a time. */
export interface NativeSharedMemory {
  /** Fills `out` with what begins at `from`. */
  read(from: number, out: Uint8Array): void;
  write(from: number, data: Uint8Array): void;
  /** Gives up the mapping. */
  close(): void;
}
