import type { Checkpoint, FileTensor, Layout } from './checkpoint.ts';
import type { TensorEntry } from './ranges.ts';
import type { WeightFile } from './weight-file.ts';

/** What a layout's reader found; `assemble` makes the Checkpoint of it. */
export interface Parts {
  readonly path: string;
  readonly layout: Layout;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly generation: Readonly<Record<string, unknown>>;
  readonly files: readonly WeightFile[];
  /** In the order in which they are listed, each with the file that holds it. Names are unique. */
  readonly tensors: readonly (readonly [WeightFile, TensorEntry])[];
}

export function assemble({ path, layout, metadata, generation, files, tensors }: Parts): Checkpoint {
  const open = new Map(tensors.map(([file, entry]) => [entry.name, new OpenTensor(file, entry)]));
  return {
    path,
    layout,
    metadata,
    generation,
    tensors: open,
    files: files.map(({ path, sizeBytes }) => ({ path, sizeBytes })),
    mapped: files.every((file) => file.mapped),
    close() {
      for (const file of files) file.close();
      for (const tensor of open.values()) tensor.forget();
    },
  };
}

class OpenTensor implements FileTensor {
  readonly name: string;
  readonly dtype: FileTensor['dtype'];
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly #source: WeightFile;
  #bytes: Uint8Array | undefined;

  constructor(source: WeightFile, { name, dtype, shape, offset, sizeBytes }: TensorEntry) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.file = source.path;
    this.offset = offset;
    this.sizeBytes = sizeBytes;
    this.#source = source;
  }

  bytes(): Uint8Array {
    this.#bytes ??= this.#source.view(this.offset, this.sizeBytes);
    return this.#bytes;
  }

  /** Lets go of the bytes, so that they can be collected. */
  forget(): void {
    this.#bytes = undefined;
  }
}
