import type { Command } from 'commander';
import type { Engine, GenerateParams } from '../../index.ts';
import type { Context } from '../context.ts';
import { addLoadFlags, type LoadFlags } from '../options.ts';
import { answerLines, readLines } from './json-lines.ts';
import { withEngine } from './open-model.ts';
import { integers, type Request } from './requests.ts';

export function addGenerate(inspect: Command, context: Context): void {
  const command = inspect
    .command('generate')
    .description('{"ids", "maxTokens"?, "temperature"?, "seed"?, "stopIds"?} → {"ids", "logprobs", "finish", "seed"}')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .requiredOption('-m, --model <model>', 'path or name of the model');
  addLoadFlags(command).action((input: string | undefined, flags: LoadFlags & { readonly model: string }) =>
    withEngine(context, flags.model, flags, (engine) =>
      answerLines(context, readLines(input), (request) => generate(engine, request)),
    ),
  );
}

/** Runs on past the model's own end unless `stopIds` says where to stop. Every other member is a sampling parameter of the engine. */
async function generate(engine: Engine, request: Request) {
  const { ids: _, ...given } = Object.fromEntries(request);
  const params = { stopIds: [], ...dropNulls(given) } as GenerateParams; // the engine checks each by name
  const ids: number[] = [];
  const logprobs: number[] = [];
  const top: { readonly id: number; readonly logprob: number }[][] = [];
  for await (const event of engine.submit(integers(request, 'ids'), params)) {
    if (event.type === 'end') {
      return { ids, logprobs, ...(top.length > 0 ? { top } : {}), finish: event.reason, seed: event.seed };
    }
    ids.push(event.id);
    logprobs.push(event.logprob);
    if (event.top) top.push([...event.top]);
  }
  throw new Error('The engine ended without an end event');
}

function dropNulls(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}
