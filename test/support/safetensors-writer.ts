import { writeFileSync } from 'node:fs';

export interface SafetensorsTensor {
  readonly name: string;
  /** As the header names it: `BF16`, `U8` … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A safetensors file: the tensors in the given order, without gaps. */
export function encodeSafetensors(tensors: readonly SafetensorsTensor[]): Buffer {
  return frameSafetensors(
    { __metadata__: { format: 'pt' }, ...describeTensors(tensors) },
    Buffer.concat(tensors.map(({ bytes }) => bytes)),
  );
}

export function writeSafetensors(path: string, tensors: readonly SafetensorsTensor[]): void {
  writeFileSync(path, encodeSafetensors(tensors));
}

/** The header's entries of tensors that lie one behind the other. */
export function describeTensors(
  tensors: readonly SafetensorsTensor[],
): Record<string, { dtype: string; shape: readonly number[]; data_offsets: number[] }> {
  let at = 0;
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape, bytes }) => {
      const begin = at;
      at += bytes.length;
      return [name, { dtype, shape, data_offsets: [begin, at] }];
    }),
  );
}

/** Length, header, data: the header as an object, or as text where it is to be wrong in ways that no object can be. */
export function frameSafetensors(header: object | string, data: Uint8Array): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
