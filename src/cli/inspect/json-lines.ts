import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Context } from '../context.ts';
import { describe, EXIT, usage } from '../failure.ts';
import { splitLines } from '../lines.ts';
import { type Request, readRequest } from './requests.ts';

/** A line that is not blank, and where it stands in its file, from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** The lines of a file; of standard input for `-` or nothing. */
export async function* readLines(file?: string): AsyncGenerator<Line> {
  const input = file === undefined || file === '-' ? process.stdin : await openFile(file);
  let number = 0;
  for await (const text of splitLines(input)) {
    number++;
    if (text.trim() !== '') yield { number, text };
  }
}

async function openFile(file: string): Promise<NodeJS.ReadableStream> {
  try {
    const handle = await open(file);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new Error('it is a directory');
    }
    return createReadStream(file, { fd: handle });
  } catch (cause) {
    throw usage(`Cannot read "${file}": ${(cause as Error).message}`, 'Check the path of the input file');
  }
}

/** Turns a request into what is printed for it. `index` counts requests from 0. */
export type Answer = (request: Request, index: number) => unknown;

/**
 * Answers JSON lines in order, one line out for one line in. A line that cannot be answered gives
 * `{"error": {"code", "message", "next", "line"}}` in its place, the others go on, and the exit code is 1.
 */
export async function answerLines(
  { terminal }: Context,
  lines: AsyncIterable<Line> | Iterable<Line>,
  answer: Answer,
  parse?: (text: string) => unknown,
): Promise<void> {
  let index = 0;
  for await (const { number, text } of lines) {
    let result: unknown;
    try {
      result = await answer(readRequest(text, parse), index);
    } catch (error) {
      result = { error: { ...describe(error), line: number } };
      process.exitCode = EXIT.error;
    }
    index++;
    terminal.out.line(JSON.stringify(result));
  }
}
