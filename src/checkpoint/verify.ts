import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { OssiaError } from '../base/index.ts';
import type { Checkpoint, FileTensor } from './checkpoint.ts';
import { list, look } from './file-system.ts';
import { readGguf } from './gguf.ts';
import { type Exponents, exponentsOf, type Tally, tally, unitBytes } from './not-finite.ts';
import { openCheckpoint } from './open.ts';
import { show } from './ranges.ts';
import { readSafetensors } from './safetensors.ts';
import { WeightFile } from './weight-file.ts';

/** One step of a verification: a tensor that was looked at, or a problem of a whole file. */
export interface Verdict {
  /** Absolute path, or the path given where the checkpoint did not open. */
  readonly file: string;
  /** Absent where the problem is the file's. */
  readonly tensor?: string;
  /** How much was read: nothing where any bytes are valid, such as MXFP4 codes. */
  readonly bytesRead: number;
  /** Absent where all is well. */
  readonly problem?: OssiaError;
}

/**
 * Looks for damage that a header does not show: MXFP4 scales that are NaN (E8M0 255), and dense weights or Q8_0 scales
 * that are NaN or infinite. A checkpoint that does not open yields its problem, then those of its other files.
 */
export async function* verifyCheckpoint(path: string): AsyncGenerator<Verdict, void> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await openCheckpoint(path, { map: false });
  } catch (error) {
    yield* headerProblems(path, error);
    return;
  }
  checkpoint.close();
  let file: WeightFile | undefined;
  try {
    for (const tensor of [...checkpoint.tensors.values()].sort(inFileOrder)) {
      if (file?.path !== tensor.file) {
        file?.close();
        file = WeightFile.open(tensor.file, { map: false });
      }
      yield await verifyTensor(tensor, file);
    }
  } finally {
    file?.close();
  }
}

function* headerProblems(path: string, error: unknown): Generator<Verdict> {
  if (!(error instanceof OssiaError)) throw error;
  yield { file: path, bytesRead: 0, problem: error };
  for (const file of weightFiles(resolve(path))) {
    const problem = headerProblem(file);
    if (problem && problem.message !== error.message) yield { file, bytesRead: 0, problem };
  }
}

/** The files that could hold weights, whether or not they belong together. */
function weightFiles(path: string): string[] {
  return [path, join(path, 'original')]
    .filter((place) => look(place)?.isDirectory())
    .flatMap((place) => list(place).map((name) => join(place, name)))
    .filter((file) => /\.(safetensors|gguf)$/.test(file));
}

function headerProblem(path: string): OssiaError | undefined {
  let file: WeightFile | undefined;
  try {
    file = WeightFile.open(path, { map: false });
    if (path.endsWith('.gguf')) readGguf(file);
    else readSafetensors(file);
    return undefined;
  } catch (error) {
    if (error instanceof OssiaError) return error;
    throw error;
  } finally {
    file?.close();
  }
}

function inFileOrder(a: FileTensor, b: FileTensor): number {
  return a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1;
}

async function verifyTensor(tensor: FileTensor, file: WeightFile): Promise<Verdict> {
  const { name, sizeBytes } = tensor;
  const layout = exponentsOf(tensor);
  if (!layout) return { file: file.path, tensor: name, bytesRead: 0 };
  const problem = await findBad(tensor, layout, file).catch((error: unknown) => {
    if (error instanceof OssiaError) return error; // a disk that cannot read this tensor may read the next
    throw error;
  });
  return { file: file.path, tensor: name, bytesRead: sizeBytes, ...(problem ? { problem } : {}) };
}

async function findBad(tensor: FileTensor, layout: Exponents, file: WeightFile): Promise<OssiaError | undefined> {
  const { bad, first, total } = await tallyTensor(tensor, layout, file);
  if (bad === 0) return undefined;
  const scales = layout.what === 'MXFP4 scales';
  const found = `${bad} of ${total} ${layout.what} are ${scales ? 'NaN (255)' : 'NaN or infinite'}, the first at index ${first}`;
  const message = `Cannot trust tensor ${show(tensor.name)} of ${file.path}: ${found}`;
  return new OssiaError(scales ? 'checkpoint/nan-scale' : 'checkpoint/not-finite', message);
}

const PIECE_BYTES = 2 ** 22;

async function tallyTensor({ offset, sizeBytes }: FileTensor, layout: Exponents, file: WeightFile): Promise<Tally> {
  const piece = Math.floor(PIECE_BYTES / unitBytes(layout)) * unitBytes(layout);
  const sum: Tally = { bad: 0, first: -1, total: 0 };
  for (let done = 0; done < sizeBytes; done += piece) {
    tally(file.read(offset + done, Math.min(piece, sizeBytes - done)).buffer, layout, sum);
    await setImmediate(); // so that Ctrl-C is heard between pieces
  }
  return sum;
}
