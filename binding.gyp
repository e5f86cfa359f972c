# For g++ and clang. scripts/install-addon.js does not try on Windows, where node-gyp uses another compiler.
{
  'variables': {
    # Every instruction set is compiled from the same sources with flags of its own; the best one is chosen at run time.
    'kernels': 'src/backends/cpu/kernels',
  },
  'target_defaults': {
    'defines': ['NAPI_VERSION=8'],
    'cflags': ['-Wall', '-Wextra'],
    'cflags_cc!': ['-std=gnu++20', '-std=gnu++17', '-fno-rtti'],
    # -ffp-contract=off: a multiply and an add are fused where the source says so, and nowhere else (equal bits).
    # -fno-strict-aliasing: lanes are read as floats, integers and bytes in turn.
    'cflags_cc': ['-std=c++17', '-O3', '-ffp-contract=off', '-fno-math-errno', '-fno-strict-aliasing'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'OTHER_CPLUSPLUSFLAGS': ['-ffp-contract=off', '-fno-math-errno', '-fno-strict-aliasing'],
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
  },
  'targets': [
    {
      # Memory maps for src/checkpoint. Without it files are read instead.
      'target_name': 'ossia_map',
      'sources': ['src/checkpoint/native/map.cc'],
    },
    {
      'target_name': 'ossia_cpu',
      'sources': [
        'src/backends/cpu/native/addon.cc',
        'src/backends/cpu/native/program_check.cc',
        'src/backends/cpu/native/program_products.cc',
        'src/backends/cpu/native/program_run.cc',
        'src/backends/cpu/native/sampling.cc',
        '<(kernels)/instruction_sets.cc',
      ],
      'dependencies': ['ossia_portable'],
      'libraries': ['-lpthread'],
      'conditions': [
        ['target_arch=="x64"', { 'dependencies': ['ossia_avx2', 'ossia_avx512', 'ossia_avx512_vnni', 'ossia_avx512_vbmi'] }],
        ['target_arch=="arm64"', { 'dependencies': ['ossia_neon', 'ossia_neon_dotprod'] }],
      ],
    },
    {
      'target_name': 'ossia_portable',
      'type': 'static_library',
      'sources': ['<(kernels)/portable.cc'],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'ossia_avx2',
          'type': 'static_library',
          'sources': ['<(kernels)/avx2.cc'],
          'cflags_cc': ['-mavx2', '-mfma', '-mf16c'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['-mavx2', '-mfma', '-mf16c'] },
        },
        {
          'target_name': 'ossia_avx512',
          'type': 'static_library',
          'sources': ['<(kernels)/avx512.cc'],
          'cflags_cc': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx2', '-mfma', '-mf16c'],
          'xcode_settings': {
            'OTHER_CPLUSPLUSFLAGS': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx2', '-mfma', '-mf16c'],
          },
        },
        {
          'target_name': 'ossia_avx512_vnni',
          'type': 'static_library',
          'sources': ['<(kernels)/avx512_vnni.cc'],
          'cflags_cc': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512vnni', '-mavx2', '-mfma', '-mf16c'],
          'xcode_settings': {
            'OTHER_CPLUSPLUSFLAGS': [
              '-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512vnni', '-mavx2', '-mfma', '-mf16c',
            ],
          },
        },
        {
          'target_name': 'ossia_avx512_vbmi',
          'type': 'static_library',
          'sources': ['<(kernels)/avx512_vbmi.cc'],
          'cflags_cc': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512vnni', '-mavx512vbmi', '-mavx2', '-mfma', '-mf16c'],
          'xcode_settings': {
            'OTHER_CPLUSPLUSFLAGS': [
              '-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512vnni', '-mavx512vbmi', '-mavx2', '-mfma',
              '-mf16c',
            ],
          },
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'ossia_neon',
          'type': 'static_library',
          'sources': ['<(kernels)/neon.cc'],
        },
        {
          'target_name': 'ossia_neon_dotprod',
          'type': 'static_library',
          'sources': ['<(kernels)/neon_dotprod.cc'],
          'cflags_cc': ['-march=armv8.2-a+dotprod'],
          'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['-march=armv8.2-a+dotprod'] },
        },
      ],
    }],
  ],
}
