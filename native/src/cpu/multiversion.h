#pragma once

/**
 * Marks a function of plain loops to be compiled twice, for any x86-64 and for AVX2, and chosen at load time. This
 * needs indirect functions (GNU libc); sanitizers are not ready yet when those are resolved.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__)
#define SLUICE_MULTIVERSION __attribute__((target_clones("avx2", "default")))
#else
#define SLUICE_MULTIVERSION
#endif
