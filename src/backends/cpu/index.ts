/**
 * The ops in C++ on a pool of threads. Kernels are compiled once per instruction set and chosen at run time; weights
 * are used where they lie. Every instruction set, thread count and batch gives the same bits (see kernels/simd.h).
 */
import { OssiaError } from '../../base/index.ts';
import { blockBytes, type DType, extent, type HostTensor, isBlocked, type Span } from '../../tensor/index.ts';
import type { Backend, KvPool, KvShape, Step, UploadOptions, Weight } from '../backend.ts';
import { kvRowBytes } from '../kv-bytes.ts';
import { type Addon, type NativeBackend, native, requireAddon } from './addon.ts';
import { defaultThreads, instructionSets } from './machine.ts';
import { type CpuPool, CpuStep, CpuWeight, type OpTime } from './step.ts';

export { type CpuMachine, cpuMachine, measureIntegerPeak, measureReadBandwidth } from './machine.ts';
export type { OpTime } from './step.ts';

export interface CpuOptions {
  /** Default: the cores that this process may use. */
  readonly threads?: number;
  /** Default: the best that the machine has. */
  readonly isa?: string;
}

/** Numbers are shared with kernels/kernels.h. */
const DTYPES: Readonly<Record<DType, number>> = { f32: 0, f16: 1, bf16: 2, q8_0: 3, q8: 4, mxfp4: 5 };

export class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly description: string;
  readonly #addon: Addon;
  readonly #native: NativeBackend;
  #open = true;
  #profiler: ((ops: readonly OpTime[]) => void) | undefined;

  /** Throws `backend/unavailable` when the addon was not built, or the machine lacks the instruction set. */
  static open(options: CpuOptions = {}): CpuBackend {
    return new CpuBackend(requireAddon(), options);
  }

  /** What this machine can run, best first; empty without the addon. */
  static instructionSets(): string[] {
    return instructionSets();
  }

  private constructor(addon: Addon, { threads = defaultThreads(), isa }: CpuOptions) {
    if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
      throw new RangeError(`Expected threads to be an integer from 1 to 1024, got ${threads}`);
    }
    const sets = instructionSets();
    const chosen = isa ?? sets[0];
    if (chosen === undefined || !sets.includes(chosen)) {
      throw new OssiaError(
        'backend/unavailable',
        `Cannot open instruction set "${chosen}": this machine and this build have ${sets.join(', ') || 'none'}`,
      );
    }
    this.#addon = addon;
    this.#native = native(() => addon.open(chosen, threads));
    this.description = `cpu: ${chosen}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  }

  upload(tensor: HostTensor, options: UploadOptions = {}): Weight {
    const { label, dtype, data, scales, nibbles } = tensor;
    assertInside(tensor);
    const shape = padded(tensor.shape, 1);
    const id = native(() =>
      this.#addon.upload(
        this.#native,
        label,
        DTYPES[dtype],
        shape,
        data.bytes,
        layout(data),
        scales?.bytes ?? null,
        scales ? layout(scales) : [0, 0, 0, 0],
        nibbles === 'halves',
        options.dense === 'q8' && tensor.shape.length === 2,
      ),
    );
    const converted = options.dense === 'q8' && !isBlocked(dtype) && tensor.shape.length === 2;
    return new CpuWeight(this.#native, id, label, tensor.shape, bytesOf(tensor.shape, converted ? 'q8' : dtype));
  }

  allocateKv(shape: KvShape): KvPool {
    return new NativePool(this.#addon, this.#native, shape, () => this.#open);
  }

  begin(): Step {
    return new CpuStep(this.#addon, this.#native, this.#profiler);
  }

  /** From the next step on, hands out how long each of its ops took; undefined: no more. One step at a time. */
  profile(profiler: ((ops: readonly OpTime[]) => void) | undefined): void {
    native(() => this.#addon.profile(this.#native, profiler !== undefined));
    this.#profiler = profiler;
  }

  /** Steps in flight end first; whatever comes after is refused. */
  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    native(() => this.#addon.close(this.#native));
  }
}

class NativePool implements CpuPool {
  readonly shape: KvShape;
  readonly bytesPerBlock: number;
  readonly id: number;
  readonly owner: NativeBackend;
  readonly #addon: Addon;
  readonly #isOpen: () => boolean;
  #numBlocks = 0;

  constructor(addon: Addon, owner: NativeBackend, shape: KvShape, isOpen: () => boolean) {
    const { layers, kvHeads, headDim, blockSize, bits = 16 } = shape;
    this.shape = shape;
    this.bytesPerBlock = layers * kvHeads * blockSize * 2 * kvRowBytes(headDim, bits); // keys and values
    this.owner = owner;
    this.#addon = addon;
    this.#isOpen = isOpen;
    this.id = native(() => addon.createKv(owner, layers, kvHeads, headDim, blockSize, bits));
  }

  get numBlocks(): number {
    return Math.max(0, this.#numBlocks);
  }

  grow(numBlocks: number): void {
    native(() => this.#addon.growKv(this.owner, this.id, numBlocks));
    this.#numBlocks = Math.max(this.#numBlocks, numBlocks);
  }

  copy(from: number, to: number): void {
    native(() => this.#addon.copyKv(this.owner, this.id, from, to));
  }

  dispose(): void {
    if (this.#isOpen() && this.#numBlocks >= 0) native(() => this.#addon.freeKv(this.owner, this.id));
    this.#numBlocks = -1; // gone
  }
}

/** Of a matrix, or of one expert's. */
function bytesOf(shape: readonly number[], dtype: DType): number {
  const elements = shape.slice(-2).reduce((product, size) => product * size, 1);
  if (dtype === 'mxfp4') return (elements / 32) * 17;
  return isBlocked(dtype) ? (elements / 32) * blockBytes(dtype) : elements * blockBytes(dtype);
}

/** Shapes and strides always have three axes on the native side; missing outer ones are of length 1. */
function padded(values: readonly number[], filler: number): number[] {
  return [...Array<number>(3 - values.length).fill(filler), ...values];
}

function layout(span: Span): number[] {
  return [span.offset, ...padded(span.strides, 0)];
}

/** Checks here what the native side checks again, where the tensor can be shown in the message. */
function assertInside(tensor: HostTensor): void {
  const { label, dtype, shape, data, scales } = tensor;
  const cols = shape[shape.length - 1]!;
  const counts = isBlocked(dtype) ? [...shape.slice(0, -1), cols / 32] : shape;
  const fits =
    shape.length >= 1 &&
    shape.length <= 3 &&
    shape.every((size) => Number.isSafeInteger(size) && size > 0) &&
    counts.every(Number.isInteger) &&
    extent(data, counts, blockBytes(dtype)) <= data.bytes.byteLength &&
    (dtype === 'mxfp4') === (scales !== undefined) &&
    (!scales || extent(scales, counts, 1) <= scales.bytes.byteLength);
  if (!fits) {
    throw new OssiaError(
      'backend/bad-operand',
      `Cannot upload "${label}" [${shape}] of ${dtype}: it does not fit its bytes`,
    );
  }
}
