import type { Command } from 'commander';
import { type LayerRouting, type Model, routing } from '../../index.ts';
import type { Context } from '../context.ts';
import { addLoadFlags, type LoadFlags } from '../options.ts';
import { answerLines, readLines } from './json-lines.ts';
import { withModel } from './open-model.ts';
import { integers, type Request } from './requests.ts';

export function addRouting(inspect: Command, context: Context): void {
  const command = inspect
    .command('routing')
    .description('{"ids"} → {"experts", "weights"}, both [layer][token][pick], best expert first')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .requiredOption('-m, --model <model>', 'path or name of the model');
  addLoadFlags(command).action((input: string | undefined, flags: LoadFlags & { readonly model: string }) =>
    withModel(context, flags.model, flags, (model) =>
      answerLines(context, readLines(input), (request) => routes(model, request)),
    ),
  );
}

async function routes(model: Model, request: Request) {
  const layers = await routing(model, integers(request, 'ids'));
  const picked = model.config.expertsPerToken;
  return {
    experts: layers.map(({ experts }) => byToken(experts, picked)),
    weights: layers.map(({ weights }) => byToken(weights, picked)),
  };
}

/** [tokens * picked] → [tokens][picked] */
function byToken(values: LayerRouting['experts'] | LayerRouting['weights'], picked: number): number[][] {
  return Array.from({ length: values.length / picked }, (_, token) =>
    Array.from(values.subarray(token * picked, (token + 1) * picked)),
  );
}
