#pragma once

/** Marks an inline function of plain arithmetic as one that kernels call too, so that both sides compute the same. */
#ifdef __CUDACC__
#define SLUICE_HOST_DEVICE __host__ __device__
#else
#define SLUICE_HOST_DEVICE
#endif
