import type { Random } from './random.ts';

/** Numbers at which arithmetic goes wrong. */
const edges: readonly bigint[] = [
  0n,
  1n,
  3n,
  31n,
  33n,
  255n,
  2n ** 16n,
  2n ** 24n + 1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 61n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 32n,
  2n ** 64n - 1n,
];

/** One to four random changes to bytes whose meaning is not known. */
export function mutateBytes(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(original);
  for (let times = 1 + random.below(4); times > 0; times--) bytes = random.pick(byteMutations)(bytes, random);
  return bytes;
}

type ByteMutation = (bytes: Buffer<ArrayBuffer>, random: Random) => Buffer<ArrayBuffer>;

const byteMutations: readonly ByteMutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    if (bytes.length > 0) bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return bytes;
  },
  function setByte(bytes, random) {
    if (bytes.length > 0)
      bytes[random.below(bytes.length)] = random.pick([0, 1, 0x22, 0x7b, 0x7f, 0x80, 0xff, random.below(256)]);
    return bytes;
  },
  function setNumber(bytes, random) {
    const value = edge(random, random.pick([1, 2, 4, 8]));
    if (bytes.length >= value.length) value.copy(bytes, random.below(bytes.length - value.length + 1));
    return bytes;
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function extend(bytes, random) {
    return Buffer.concat([bytes, Buffer.alloc(1 + random.below(64), random.below(256))]);
  },
  function remove(bytes, random) {
    const [start, end] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  function splice(bytes, random) {
    const [start, end] = range(bytes, random);
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at)]);
  },
  function overwrite(bytes, random) {
    const [start, end] = range(bytes, random);
    bytes.copy(bytes, random.below(bytes.length + 1), start, end);
    return bytes;
  },
];

function range(bytes: Uint8Array, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  return [start, Math.min(bytes.length, start + random.below(64))];
}

/** A number from the edges, as `size` little-endian bytes. */
export function edge(random: Random, size: number): Buffer {
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64LE(random.pick(edges));
  return wide.subarray(0, size);
}

/** Names and values that programs trip over. */
export const badStrings: readonly string[] = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '/dev/zero',
  '..\\..\\x.safetensors',
  'a/b.safetensors',
  'model\u0000.safetensors',
  '\ud800',
  '\u202e',
  'F4',
  'F32',
  'BF17',
  '💥'.repeat(300),
];

const badValues: readonly unknown[] = [
  null,
  true,
  {},
  [],
  [[]],
  0,
  -0,
  -1,
  0.5,
  1e-300,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 63,
  1e308,
  ...badStrings,
];

/** Changes a JSON value somewhere: replaces, deletes, adds or swaps. Works on a copy. */
export function mutateJson(original: unknown, random: Random): unknown {
  const root = { value: structuredClone(original) };
  for (let times = 1 + random.below(3); times > 0; times--) mutateOnce(root, random);
  return root.value;
}

/** Walks down at random and changes what it stops at. */
function mutateOnce(root: object, random: Random): void {
  let holder = root as Record<string, unknown>;
  let key = 'value';
  for (;;) {
    const inner = holder[key];
    if (typeof inner !== 'object' || inner === null || random.chance(6)) break;
    const keys = Object.keys(inner);
    if (keys.length === 0) break;
    holder = inner as Record<string, unknown>;
    key = random.pick(keys);
  }
  const change = random.below(6);
  const value = holder[key];
  if (change === 0) delete holder[key];
  else if (change === 1) define(holder, random.pick(badStrings), structuredClone(value));
  else if (change === 2) swap(holder, key, random.pick(Object.keys(holder)));
  else if (change === 3 && typeof value === 'number') define(holder, key, value + random.pick([-1, 1, 2, 32, -32]));
  else if (change === 4) define(holder, key, nest(value, random));
  else define(holder, key, structuredClone(random.pick(badValues)));
}

function swap(holder: Record<string, unknown>, a: string, b: string): void {
  const [left, right] = [holder[a], holder[b]];
  define(holder, a, right);
  define(holder, b, left);
}

/** Assignment that also makes an own property of `__proto__`. */
function define(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d+$/.test(key)) holder.push(value);
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function nest(value: unknown, random: Random): unknown {
  let nested = value;
  for (let depth = random.pick([1, 2, 31, 40, 1000]); depth > 0; depth--)
    nested = random.chance(2) ? [nested] : { a: nested };
  return nested;
}

/** JSON with, now and then, what no object can hold: a key twice, a huge number, trailing text. */
export function writeJson(value: unknown, random: Random): string {
  const text = JSON.stringify(value) ?? '';
  switch (random.below(12)) {
    case 0:
      return text.replace(/("[^"]*":)/, '$10,$1');
    case 1:
      return text.replace(/\d+/, '1e999');
    case 2:
      return `${text}${random.pick(['}', ' ', '\0', 'null', '{}'])}`;
    case 3:
      return `${random.pick(['\ufeff', ' ', '\n\n', '[', '{"a":'])}${text}`;
    default:
      return text;
  }
}

/** Changes the parts that a file is made of: drops, repeats, swaps, or puts an edge number in place of one. */
export function mutatePieces(original: readonly Uint8Array[], random: Random): Uint8Array {
  const pieces = [...original];
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(pieces.length);
    const other = random.below(pieces.length);
    const piece = pieces[at]!;
    const change = random.below(8);
    if (change === 0) pieces.splice(at, 1);
    else if (change === 1) pieces.splice(other, 0, piece);
    else if (change === 2) [pieces[at], pieces[other]] = [pieces[other]!, piece];
    else if (change === 3) pieces[at] = Buffer.from(random.pick(badStrings));
    else if (change === 4) pieces[at] = mutateBytes(piece, random);
    else if (change === 5) pieces[at] = nearMiss(piece, random);
    else pieces[at] = piece.length <= 8 ? edge(random, piece.length) : mutateBytes(piece, random);
  }
  return Buffer.concat(pieces);
}

/** A little-endian number a little off; other pieces stay as they are. */
function nearMiss(piece: Uint8Array, random: Random): Uint8Array {
  if (piece.length !== 4 && piece.length !== 8) return piece;
  const wide = Buffer.alloc(8);
  wide.set(piece);
  const near = wide.readBigUInt64LE() + random.pick([-32n, -1n, 1n, 2n, 32n, 64n]);
  wide.writeBigUInt64LE(BigInt.asUintN(64, near));
  return wide.subarray(0, piece.length);
}
