/** Element types as files name them. `mxfp4` and `mxfp4_pairs` are GGUF's 17-byte blocks (types 39 and, in old Ollama files, 4). */
export type FileDType =
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'u8'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'f64'
  | 'q8_0'
  | 'mxfp4'
  | 'mxfp4_pairs'
  /** Known to the format and not to Ossia, for example `q4_K`: listed by `inspect`, refused by the model. */
  | (string & { readonly unsupported?: never });

/** A tensor as its file declares it: checked against the file's size, not yet read. */
export interface FileTensor {
  readonly name: string;
  readonly dtype: FileDType;
  /** Outermost axis first, whatever the file's own order. */
  readonly shape: readonly number[];
  /** Absolute path of the file that holds it. */
  readonly file: string;
  /** First byte in that file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /**
   * The bytes, as a view of the memory map (or, without the addon, read on first use and kept). Read-only: writing to
   * a map ends the process. `byteOffset` is rarely 0, since tensors share buffers.
   */
  bytes(): Uint8Array;
}

export type Layout = 'huggingface' | 'original' | 'gguf';

/** One model on disk, whatever its layout. Knows names, types and bytes; what they mean is the model's business. */
export interface Checkpoint {
  /** As given by the caller: a directory, or a .gguf file. */
  readonly path: string;
  readonly layout: Layout;
  /** config.json as parsed, or GGUF's key-value pairs; its arrays are decoded when they are first asked for. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** generation_config.json, when there is one. */
  readonly generation: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Whether bytes come from a memory map; false without the addon. */
  readonly mapped: boolean;
  /** Closes the files. Bytes handed out before stay readable: the map goes when the last of them is collected. */
  close(): void;
}
