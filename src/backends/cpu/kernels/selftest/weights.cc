#include <cstdlib>

#include "selftest.h"

namespace selftest {

static float half_value(uint16_t h) {
  const int exponent = h >> 10 & 31;
  const double mantissa = h & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (float)(h & 0x8000 ? -magnitude : magnitude);
}

// A finite f16 below 4 in magnitude, now and then subnormal.
static uint16_t random_half(Random& random) {
  const uint32_t sign_and_mantissa = random.next() & 0x83ff;
  return (uint16_t)(sign_and_mantissa | random.below(17) << 10);
}

OwnedWeight make_weight(Random& random, DType dtype, int64_t experts, int64_t rows, int64_t cols, int64_t gap, bool gguf) {
  const bool blocked = dtype == DType::q8_0 || dtype == DType::q8 || dtype == DType::mxfp4;
  const int64_t steps = blocked ? cols / 32 : cols;
  const int64_t size = dtype == DType::f32 ? 4 : dtype == DType::q8_0 ? 34 : dtype == DType::q8 ? 36 : dtype == DType::mxfp4 ? 16 : 2;
  const int64_t lead = gguf ? 1 : 0;  // GGUF's MXFP4 has the scale byte ahead of the codes
  OwnedWeight w;
  const int64_t stride = size + lead + gap;
  w.data.resize(experts * rows * steps * stride - gap);
  for (uint8_t& byte : w.data) byte = (uint8_t)random.next();
  for (int64_t i = 0; i < experts * rows * steps; i++) {
    uint8_t* p = w.data.data() + i * stride + lead;
    const float scale = random.uniform(0.01f, 0.1f);
    const uint16_t half = random_half(random);
    const float wide = random.uniform(-1, 1);
    if (dtype == DType::f32) memcpy(p, &wide, 4);
    if (dtype == DType::f16 || dtype == DType::q8_0) memcpy(p, &half, 2);
    if (dtype == DType::bf16) memcpy(p, (const uint8_t*)&wide + 2, 2);
    if (dtype == DType::q8) memcpy(p, &scale, 4);
  }
  w.weight = {dtype,   experts, rows, cols, w.data.data() + lead, rows * steps * stride, steps * stride, stride, nullptr,
              0,       0,       0,    gguf};
  if (dtype == DType::mxfp4) {
    if (!gguf) w.scales.resize(experts * rows * steps);
    const int64_t step = gguf ? stride : 1;
    uint8_t* scales = gguf ? w.data.data() : w.scales.data();
    for (int64_t i = 0; i < experts * rows * steps; i++) scales[i * step] = (uint8_t)(random.below(9) ? 110 + random.below(20) : random.below(3));
    w.weight.scales = scales;
    w.weight.scale_block_stride = step;
    w.weight.scale_row_stride = steps * step;
    w.weight.scale_expert_stride = rows * steps * step;
  }
  return w;
}

double OwnedWeight::value(int64_t expert, int64_t row, int64_t col) const {
  static const double fp4[16] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6};
  const Weight& w = weight;
  const uint8_t* p = w.data + expert * w.expert_stride + row * w.row_stride;
  const int64_t block = col / 32, j = col % 32;
  uint16_t half;
  uint32_t bits;
  float wide;
  switch (w.dtype) {
    case DType::f32: memcpy(&wide, p + col * w.block_stride, 4); return wide;
    case DType::f16: memcpy(&half, p + col * w.block_stride, 2); return half_value(half);
    case DType::bf16:
      memcpy(&half, p + col * w.block_stride, 2);
      bits = (uint32_t)half << 16;
      memcpy(&wide, &bits, 4);
      return wide;
    case DType::q8_0: memcpy(&half, p + block * w.block_stride, 2); return half_value(half) * (int8_t)p[block * w.block_stride + 2 + j];
    case DType::q8: memcpy(&wide, p + block * w.block_stride, 4); return (double)wide * (int8_t)p[block * w.block_stride + 4 + j];
    default: break;
  }
  const uint8_t e = w.scales[expert * w.scale_expert_stride + row * w.scale_row_stride + block * w.scale_block_stride];
  const uint8_t byte = p[block * w.block_stride + (w.halves ? j % 16 : j / 2)];
  const bool high = w.halves ? j >= 16 : j % 2;
  return std::ldexp(fp4[high ? byte >> 4 : byte & 15], e - 127);
}

Quantized::Quantized(const Kernels& kernels, const std::vector<float>& x, int64_t count, int64_t cols, ossia::CodeOrder order) {
  rows.padded_cols = ossia::padded_cols(cols);
  storage.assign(count * rows.stride() + 64, 0xcc);
  rows.data = (int8_t*)(((uintptr_t)storage.data() + 63) / 64 * 64);
  kernels.quantize(x.data(), 0, count, cols, order, rows);
}

double dequantized(const std::vector<float>& x, int64_t cols, int64_t row, int64_t col) {
  const float* block = x.data() + row * cols + col / 32 * 32;
  float largest = 0;
  for (int i = 0; i < 32 && col / 32 * 32 + i < cols; i++) largest = std::fmax(largest, std::fabs(block[i]));
  const float scale = largest / 127;
  return scale == 0 ? 0 : (double)scale * std::nearbyint(x[row * cols + col] / scale);
}

}  // namespace selftest
