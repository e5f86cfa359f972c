import type { Command } from 'commander';
import { conversationFromJson, renderOptionsFromJson } from '../../harmony/index.ts';
import { OssiaError, parseJson, render, renderText, type Tokenizer } from '../../index.ts';
import type { Context } from '../context.ts';
import { answerLines, readLines } from './json-lines.ts';
import { tokenizerOf } from './open-tokenizer.ts';
import type { Request } from './requests.ts';

export function addRender(inspect: Command, context: Context): void {
  inspect
    .command('render')
    .description('{"conversation", "options"?} → {"text", "ids"} or {"error"}')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .option('-m, --model <model>', 'path or name of the model (default: o200k_harmony)')
    .action(async (input: string | undefined, flags: { readonly model?: string }) => {
      const tokenizer = await tokenizerOf(context, flags.model);
      const answer = (request: Request) => harmonyResult(() => renderBoth(tokenizer, request));
      await answerLines(context, readLines(input), answer, parseJson); // lossless: 1.0 is not 1 in a schema
    });
}

function renderBoth(tokenizer: Tokenizer, request: Request) {
  const conversation = conversationFromJson(request.get('conversation'));
  const options = renderOptionsFromJson(request.get('options'));
  return { text: renderText(conversation, tokenizer, options), ids: render(conversation, tokenizer, options) };
}

/** What Harmony makes of a request, its refusals included: those are results, and the command has not failed. */
export function harmonyResult<T>(work: () => T): T | { error: { code: string; message: string } } {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OssiaError && error.code.startsWith('harmony/'))) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}
