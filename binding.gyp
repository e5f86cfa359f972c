{
  'targets': [
    {
      # Memory maps for src/checkpoint. Where there is no mmap, files are read instead.
      'target_name': 'ossia_map',
      'conditions': [
        ['OS=="win"', { 'type': 'none' }, { 'sources': ['src/checkpoint/native/map.cc'] }],
      ],
      'defines': ['NAPI_VERSION=8'],
      'cflags': ['-Wall', '-Wextra'],
    },
  ],
}
