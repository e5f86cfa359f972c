import { json, type Reply } from '../reply.ts';
import { errorText } from './errors.ts';

/** One line of a long action. The last one says `success`, or the stream ends with `{"error"}`. */
export interface Progress {
  readonly status: string;
  readonly digest?: string;
  readonly total?: number;
  readonly completed?: number;
}

/** The lines of an action as they come, or the last one alone where no stream is wanted. */
export async function progress(
  stream: boolean | undefined,
  lines: AsyncIterable<Progress> | Iterable<Progress>,
): Promise<Reply> {
  if (stream !== false) return { type: 'ndjson', lines: endingInWords(lines) };
  let last: Progress | undefined;
  for await (const line of lines) last = line;
  return json(last);
}

async function* endingInWords(
  lines: AsyncIterable<Progress> | Iterable<Progress>,
): AsyncGenerator<object, void, undefined> {
  try {
    yield* lines;
  } catch (error) {
    yield { error: errorText(error) };
  }
}
