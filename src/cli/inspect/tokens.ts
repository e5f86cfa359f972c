import type { Command } from 'commander';
import type { Tokenizer } from '../../index.ts';
import type { Context } from '../context.ts';
import { answerLines, readLines } from './json-lines.ts';
import { tokenizerOf } from './open-tokenizer.ts';
import { badInput, integers, optionalFlag, optionalText, type Request } from './requests.ts';

export function addTokens(inspect: Command, context: Context): void {
  inspect
    .command('tokens')
    .description('{"text"} or {"text", "special": true} → {"ids"}; {"ids"} → {"text"}')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .option('-m, --model <model>', 'path or name of the model (default: o200k_harmony)')
    .action(async (input: string | undefined, flags: { readonly model?: string }) => {
      const tokenizer = await tokenizerOf(context, flags.model);
      await answerLines(context, readLines(input), (request) => convert(tokenizer, request));
    });
}

function convert(tokenizer: Tokenizer, request: Request) {
  const text = optionalText(request, 'text');
  if (text === undefined) {
    if (request.get('ids') === undefined) throw badInput('Expected "text" or "ids", got neither');
    return { text: tokenizer.decode(integers(request, 'ids')) };
  }
  return { ids: optionalFlag(request, 'special') ? tokenizer.encodeWithSpecials(text) : tokenizer.encode(text) };
}
