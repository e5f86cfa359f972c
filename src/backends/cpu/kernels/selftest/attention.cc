// write_kv and attend: paged blocks in any order, sequences of different lengths, windows, and garbage where nothing was written.
#include <algorithm>
#include <memory>

#include "selftest.h"

namespace selftest {

namespace {

struct Setup {
  int64_t heads, kv_heads, head_dim, block_size, window, bits;
  std::vector<int32_t> positions, sequences, tables;
  int64_t table_width = 9;
  std::vector<float> q, k, v;
  OwnedWeight sinks;
  int64_t tokens() const { return (int64_t)positions.size(); }
};

// What 8 bits keep of rows of head_dim values: codes of bf16 scales, rounded up, for 32 at a time.
std::vector<float> kept_at_8_bits(const std::vector<float>& x, int64_t head_dim) {
  std::vector<float> kept(x.size());
  for (size_t row = 0; row < x.size(); row += head_dim) {
    for (int64_t d = 0; d < head_dim; d += 32) {
      const int64_t end = std::min<int64_t>(head_dim, d + 32);
      float scale = 0;
      for (int64_t i = d; i < end; i++) scale = std::max(scale, std::fabs(x[row + i]));
      scale /= 127;
      uint32_t bits;
      std::memcpy(&bits, &scale, 4);
      bits = (bits + 0xffff) & 0xffff0000;
      std::memcpy(&scale, &bits, 4);
      for (int64_t i = d; i < end; i++) kept[row + i] = std::nearbyint(x[row + i] / scale) * scale;
    }
  }
  return kept;
}

Setup make_setup(int64_t heads, int64_t kv_heads, int64_t head_dim, int64_t block_size, int64_t window, int64_t bits) {
  auto random = Random(heads * 100 + head_dim + window);
  Setup s{heads, kv_heads, head_dim, block_size, window, bits, {}, {}, {}, 9, {}, {}, {}, {}};
  const int64_t lengths[] = {1, 2 * block_size + 5, 37};
  for (int32_t sequence = 0; sequence < 3; sequence++) {
    for (int32_t position = 0; position < lengths[sequence]; position++) s.positions.push_back(position), s.sequences.push_back(sequence);
    for (int32_t i = 0; i < s.table_width; i++) s.tables.push_back(i < 4 ? 11 - (i * 3 + sequence) : -1);
  }
  s.q = random_floats(random, s.tokens() * heads * head_dim);
  s.k = random_floats(random, s.tokens() * kv_heads * head_dim);
  s.v = random_floats(random, s.tokens() * kv_heads * head_dim);
  s.sinks = make_weight(random, DType::bf16, 1, 1, heads);
  return s;
}

// Every f16 and every scale is NaN until it is written.
struct Pool {
  std::vector<std::vector<uint16_t>> storage;
  std::vector<uint8_t*> pointers;
  ossia::KvPool pool;
  explicit Pool(const Setup& s) {
    pool = {nullptr, 2, s.kv_heads, s.head_dim, s.block_size, s.bits};
    storage.assign(12, std::vector<uint16_t>(pool.block_bytes() / 2, s.bits == 8 ? 0x7fff : 0x7e00));
    for (auto& block : storage) pointers.push_back((uint8_t*)block.data());
    pool.blocks = pointers.data();
  }
};

// Makes NaN of the values (and of a dimension of the keys) that no token in [begin, end) may see any more.
void forget(const Setup& s, Pool& pool, int64_t begin, int64_t end) {
  for (int64_t t = 0; s.window > 0 && t < begin; t++) {
    bool seen = false;
    for (int64_t u = begin; u < end; u++) seen |= s.sequences[u] == s.sequences[t] && s.positions[t] > s.positions[u] - s.window;
    // A later chunk's window begins later still, so what is out of sight once stays so.
    if (seen || s.sequences[t] != s.sequences[begin]) continue;
    const int64_t slot = s.positions[t] % s.block_size;
    uint8_t* block = pool.pointers[s.tables[s.sequences[t] * s.table_width + s.positions[t] / s.block_size]];
    for (int64_t head = 0; head < s.kv_heads; head++) {
      uint16_t* keys = (uint16_t*)(block + (s.kv_heads + head) * pool.pool.head_bytes());  // of layer 1
      if (s.bits == 8) {
        uint16_t* scales = keys + s.head_dim * s.block_size;
        for (int64_t group = 0; group < 2 * pool.pool.groups(); group++) scales[group * s.block_size + slot] = 0x7fff;
        continue;
      }
      keys[slot] = 0x7e00;
      std::fill_n(keys + s.head_dim * s.block_size + slot * s.head_dim, s.head_dim, 0x7e00);
    }
  }
}

std::vector<float> run_setup(const Setup& s, const Kernels& kernels, Cut cut) {
  Pool pool(s);
  const int64_t layer = 1, group = s.heads / s.kv_heads;
  std::vector<float> out(s.q.size(), -1);
  std::vector<float> scratch(kernels.attend_scratch(group, s.head_dim, s.block_size) + 16);
  float* aligned = (float*)(((uintptr_t)scratch.data() + 63) / 64 * 64);
  // Chunk after chunk, as prefill would; a chunk of one token is decode.
  for (int64_t t = 0; t < s.tokens(); t += cut.tokens) {
    const int64_t count = std::min(cut.tokens, s.tokens() - t);
    const ossia::KvView view = {s.positions.data() + t, s.sequences.data() + t, s.tables.data(), s.table_width};
    const int64_t at = t * s.kv_heads * s.head_dim;
    kernels.write_kv(pool.pool, layer, s.k.data() + at, s.v.data() + at, count, view);
    forget(s, pool, t, t + count);
    for (int64_t head = 0; head < s.kv_heads; head++)
      for (int64_t part = 0; part < count; part += cut.rows)
        kernels.attend(s.q.data() + t * s.heads * s.head_dim, part, std::min(count, part + cut.rows), s.heads, head, pool.pool, layer,
                       s.sinks.weight, view, s.window, aligned, out.data() + t * s.heads * s.head_dim);
  }
  return out;
}

std::vector<Expected> expect_setup(const Setup& s) {
  std::vector<Expected> all;
  const int64_t group = s.heads / s.kv_heads;
  const std::vector<float> kept_k = s.bits == 8 ? kept_at_8_bits(s.k, s.head_dim) : s.k;
  const std::vector<float> kept_v = s.bits == 8 ? kept_at_8_bits(s.v, s.head_dim) : s.v;
  const double rounding = s.bits == 8 ? 0x1p-19 : 0x1p-11;
  for (int64_t t = 0; t < s.tokens(); t++) {
    const int64_t position = s.positions[t];
    const int64_t first = s.window > 0 ? std::max<int64_t>(0, position - s.window + 1) : 0;
    for (int64_t h = 0; h < s.heads; h++) {
      const double sink = s.sinks.value(0, 0, h);
      std::vector<double> scores;
      double largest = sink;
      for (int64_t p = first; p <= position; p++) {
        const float* q = &s.q[(t * s.heads + h) * s.head_dim];
        const float* k = &kept_k[((t - position + p) * s.kv_heads + h / group) * s.head_dim];
        double dot = 0;
        for (int64_t d = 0; d < s.head_dim; d++) dot += (double)q[d] * k[d];
        scores.push_back(dot / std::sqrt((double)s.head_dim));
        largest = std::max(largest, scores.back());
      }
      double total = std::exp(sink - largest);
      for (double score : scores) total += std::exp(score - largest);
      for (int64_t d = 0; d < s.head_dim; d++) {
        double mixed = 0;
        for (int64_t p = first; p <= position; p++)
          mixed += std::exp(scores[p - first] - largest) * kept_v[((t - position + p) * s.kv_heads + h / group) * s.head_dim + d];
        // f16 keys move a score by up to 2^-11 · √head_dim · |q| |k|, so a weight by e to that; f16 values add 2^-11 of |v|.
        // With 8 bits the rounding of both is known, and only sums in f32 are left.
        all.push_back({mixed / total, 2 * rounding * (1 + 4 * std::sqrt((double)s.head_dim))});
      }
    }
  }
  return all;
}

// Two tokens of one sequence beside each other in a step, with blocks between that neither sees, and that are gone.
struct Apart {
  Setup setup = make_setup(16, 2, 64, 16, 4, 16);
  std::vector<int64_t> tokens;
  Apart() {
    for (int64_t t = 0; t < setup.tokens(); t++) {
      const int32_t position = setup.positions[t];
      if (setup.sequences[t] == 1 && (position < 3 || position > 34)) tokens.push_back(t);
    }
  }

  std::vector<float> run(const Kernels& kernels, Cut cut) const {
    const int64_t cols = setup.heads * setup.head_dim;
    Pool pool(setup);
    const ossia::KvView all = {setup.positions.data(), setup.sequences.data(), setup.tables.data(), setup.table_width};
    kernels.write_kv(pool.pool, 1, setup.k.data(), setup.v.data(), setup.tokens(), all);
    std::vector<int32_t> positions, sequences(tokens.size(), 0);
    std::vector<float> q;
    for (int64_t t : tokens) {
      positions.push_back(setup.positions[t]);
      q.insert(q.end(), &setup.q[t * cols], &setup.q[t * cols] + cols);
    }
    const int32_t table[] = {setup.tables[setup.table_width], -1, setup.tables[setup.table_width + 2]};
    const ossia::KvView view = {positions.data(), sequences.data(), table, 3};
    std::vector<float> out(q.size(), -1), scratch(kernels.attend_scratch(8, setup.head_dim, setup.block_size) + 16);
    float* aligned = (float*)(((uintptr_t)scratch.data() + 63) / 64 * 64);
    const int64_t count = (int64_t)tokens.size();
    for (int64_t head = 0; head < setup.kv_heads; head++)
      for (int64_t t = 0; t < count; t += cut.rows)
        kernels.attend(q.data(), t, std::min(count, t + cut.rows), setup.heads, head, pool.pool, 1, setup.sinks.weight, view, setup.window,
                       aligned, out.data());
    return out;
  }

  std::vector<Expected> expected() const {
    const std::vector<Expected> all = expect_setup(setup);
    const int64_t cols = setup.heads * setup.head_dim;
    std::vector<Expected> some;
    for (int64_t t : tokens) some.insert(some.end(), all.begin() + t * cols, all.begin() + (t + 1) * cols);
    return some;
  }
};

}  // namespace

void add_attention_cases(std::vector<Case>& cases) {
  auto add = [&](int64_t heads, int64_t kv_heads, int64_t head_dim, int64_t block_size, int64_t window, int64_t bits = 16) {
    auto setup = std::make_shared<Setup>(make_setup(heads, kv_heads, head_dim, block_size, window, bits));
    cases.push_back({"attend " + std::to_string(heads) + "/" + std::to_string(kv_heads) + " heads of " + std::to_string(head_dim) +
                         ", blocks of " + std::to_string(block_size) + ", window " + std::to_string(window) +
                         ", " + std::to_string(bits) + " bits",
                     [=](const Kernels& k, Cut cut) { return run_setup(*setup, k, cut); }, [=] { return expect_setup(*setup); }});
  };
  add(15, 3, 48, 32, 0);
  add(15, 3, 48, 32, 41);
  add(16, 2, 64, 64, 128);
  add(7, 7, 16, 16, 3);
  add(11, 1, 32, 48, 1);
  add(15, 3, 48, 32, 0, 8);
  add(16, 2, 64, 64, 128, 8);
  add(7, 7, 16, 16, 3, 8);
  add(11, 1, 32, 48, 1, 8);
  // A window that begins inside a block and, for neighbouring tokens, in two; heads and dimensions that fill no tile.
  add(13, 1, 80, 48, 17);
  add(13, 1, 80, 48, 17, 8);
  add(28, 2, 16, 32, 33);

  auto apart = std::make_shared<Apart>();
  cases.push_back({"attend, tokens of a sequence with a hole between them", [=](const Kernels& k, Cut cut) { return apart->run(k, cut); },
                   [=] { return apart->expected(); }});
}

}  // namespace selftest
