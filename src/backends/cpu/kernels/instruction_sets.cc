// The sets of this build, and which of them this machine can run.
#include "kernels.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace ossia {

namespace avx512_vbmi { extern const Kernels kernels; }
namespace avx512_vnni { extern const Kernels kernels; }
namespace avx512 { extern const Kernels kernels; }
namespace avx2 { extern const Kernels kernels; }
namespace neon_dotprod { extern const Kernels kernels; }
namespace neon { extern const Kernels kernels; }
namespace portable { extern const Kernels kernels; }

#if defined(__x86_64__)

// __builtin_cpu_supports answers for the processor and the operating system together: without saved registers it says no.
static bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"); }
static bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static bool has_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

const InstructionSet* instruction_sets(int64_t* count) {
  static const InstructionSet sets[] = {
      {"avx512-vbmi", &avx512_vbmi::kernels, has_vnni() && __builtin_cpu_supports("avx512vbmi")},
      {"avx512-vnni", &avx512_vnni::kernels, has_vnni()},
      {"avx512", &avx512::kernels, has_avx512()},
      {"avx2", &avx2::kernels, has_avx2()},
      {"portable", &portable::kernels, true},
  };
  *count = sizeof sets / sizeof sets[0];
  return sets;
}

#elif defined(__aarch64__)

static bool has_dotprod() {
#if defined(__APPLE__)
  return true;  // every Apple chip that runs macOS
#elif defined(__linux__)
  return getauxval(AT_HWCAP) & (1 << 20);  // HWCAP_ASIMDDP
#else
  return false;
#endif
}

const InstructionSet* instruction_sets(int64_t* count) {
  static const InstructionSet sets[] = {
      {"neon-dotprod", &neon_dotprod::kernels, has_dotprod()},
      {"neon", &neon::kernels, true},
      {"portable", &portable::kernels, true},
  };
  *count = sizeof sets / sizeof sets[0];
  return sets;
}

#else

const InstructionSet* instruction_sets(int64_t* count) {
  static const InstructionSet sets[] = {{"portable", &portable::kernels, true}};
  *count = 1;
  return sets;
}

#endif

}  // namespace ossia
