/**
 * Random weights that are the same in every layout: 8-bit codes with power-of-two scales are exact in bf16 and in Q8_0,
 * MXFP4 is MXFP4 everywhere, and vectors are bf16 values. Each tensor has streams of its own, named after it, so that a
 * file may begin anywhere.
 */
import { createCipheriv, createHash } from 'node:crypto';

const BLOCK = 32;
/** Bytes that are made at a time. */
const PIECE = 1 << 22;

/** The bytes of a seed and a label: AES in counter mode, which processors do at gigabytes a second. */
function randomBytes(seed: number, label: string): (count: number) => Uint8Array {
  const key = createHash('sha256').update(`${seed}:${label}`).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16, 32));
  const zeros = Buffer.alloc(PIECE);
  return (count) => {
    if (count <= PIECE) return cipher.update(zeros.subarray(0, count));
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at += PIECE) bytes.set(cipher.update(zeros.subarray(0, count - at)), at);
    return bytes;
  };
}

/** Normal numbers, as the sum of twelve uniform ones: integer arithmetic, so the same everywhere. Rounded to bf16. */
export function bf16Vector(seed: number, label: string, count: number, mean: number, deviation: number): Uint16Array {
  const draw = randomBytes(seed, label);
  const vector = new Uint16Array(count);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  const ROWS = 1 << 16;
  for (let start = 0; start < count; start += ROWS) {
    const end = Math.min(count, start + ROWS);
    const bytes = draw((end - start) * 24);
    for (let i = start, at = 0; i < end; i++) {
      let sum = 0;
      for (let draws = 0; draws < 12; draws++, at += 2) sum += bytes[at]! | (bytes[at + 1]! << 8);
      value[0] = mean + deviation * (sum / 65_536 - 6);
      vector[i] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16;
    }
  }
  return vector;
}

/** The values of a bf16 vector as f32, which is the same bits with zeros behind. */
export function bf16ToF32(vector: Uint16Array): Uint8Array {
  return new Uint8Array(Uint32Array.from(vector, (bits) => bits << 16).buffer);
}

/** Rows of 32 codes and, for each, the exponent of their scale: around `exponent`, now and then one more or less. */
interface CodedBlocks {
  readonly codes: Uint8Array;
  readonly exponents: Int8Array;
}

function* codedBlocks(seed: number, label: string, numBlocks: number, exponent: number): Generator<CodedBlocks> {
  const drawCodes = randomBytes(seed, `${label}.codes`);
  const drawExponents = randomBytes(seed, `${label}.exponents`);
  for (let done = 0; done < numBlocks; ) {
    const count = Math.min(numBlocks - done, PIECE / BLOCK);
    const codes = drawCodes(count * BLOCK);
    for (let i = 0; i < codes.length; i++) if (codes[i] === 0x80) codes[i] = 0x81; // −128 is no code of Q8_0
    const exponents = Int8Array.from(drawExponents(count), (byte) => exponent + ((byte + 1) & 3 ? byte & 1 : -1));
    yield { codes, exponents };
    done += count;
  }
}

/** A dense matrix as Q8_0: for 32 columns an f16 scale, then the codes. */
export function* q8Matrix(seed: number, label: string, count: number, exponent: number): Generator<Uint8Array> {
  for (const { codes, exponents } of codedBlocks(seed, label, count / BLOCK, exponent)) {
    const out = new Uint8Array(exponents.length * 34);
    for (let block = 0; block < exponents.length; block++) {
      out[block * 34 + 1] = (exponents[block]! + 15) << 2; // 2^e as f16; the low byte is zero
      out.set(codes.subarray(block * BLOCK, (block + 1) * BLOCK), block * 34 + 2);
    }
    yield out;
  }
}

/** The same matrix as bf16. */
export function* bf16Matrix(seed: number, label: string, count: number, exponent: number): Generator<Uint8Array> {
  const tables = [-1, 0, 1].map((step) => bf16OfCodes(exponent + step));
  for (const { codes, exponents } of codedBlocks(seed, label, count / BLOCK, exponent)) {
    const out = new Uint16Array(codes.length);
    for (let block = 0; block < exponents.length; block++) {
      const table = tables[exponents[block]! - exponent + 1]!;
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) out[i] = table[codes[i]!]!;
    }
    yield new Uint8Array(out.buffer);
  }
}

/** bf16 of code · 2^exponent by the code's byte. Seven significant bits: always exact. */
function bf16OfCodes(exponent: number): Uint16Array {
  const values = Float32Array.from({ length: 256 }, (_, byte) => ((byte << 24) >> 24) * 2 ** exponent);
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
}

/** The codes of an MXFP4 tensor, `numBlocks` blocks at each call: 16 bytes, two neighbours a byte, the low one first. */
export function mxfp4Codes(seed: number, label: string): (numBlocks: number) => Uint8Array {
  const draw = randomBytes(seed, `${label}.codes`);
  return (numBlocks) => draw(numBlocks * 16);
}

/** Its scales: exponents around `exponent`, biased by 127. */
export function mxfp4Scales(seed: number, label: string, exponent: number): (numBlocks: number) => Uint8Array {
  const draw = randomBytes(seed, `${label}.scales`);
  return (numBlocks) =>
    draw(numBlocks).map((byte) => 127 + exponent + ((byte & 7) === 0 ? -1 : (byte & 7) === 7 ? 1 : 0));
}

/** Codes and scales as GGUF has them: the scale, then 16 bytes that pair element i with element i + 16. */
export function ggufMxfp4(codes: Uint8Array, scales: Uint8Array): Uint8Array {
  const out = new Uint8Array(scales.length * 17);
  for (let block = 0, from = 0, to = 0; block < scales.length; block++, from += 16) {
    out[to++] = scales[block]!;
    for (let i = from; i < from + 8; i++) {
      const low = codes[i]!;
      const high = codes[i + 8]!;
      out[to++] = (low & 0x0f) | ((high & 0x0f) << 4);
      out[to++] = (low >> 4) | (high & 0xf0);
    }
  }
  return out;
}

/** Two tensors row by row: a row of `even`, a row of `odd`, and so on. */
export function interleaveRows(even: Uint8Array, odd: Uint8Array, rowBytes: number): Uint8Array {
  const out = new Uint8Array(even.length * 2);
  for (let at = 0; at < even.length; at += rowBytes) {
    out.set(even.subarray(at, at + rowBytes), at * 2);
    out.set(odd.subarray(at, at + rowBytes), at * 2 + rowBytes);
  }
  return out;
}
