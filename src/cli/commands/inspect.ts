import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCheckpoint } from '../inspect/checkpoint.ts';
import { addGenerate } from '../inspect/generate.ts';
import { addLogits } from '../inspect/logits.ts';
import { addParse } from '../inspect/parse.ts';
import { addRender } from '../inspect/render.ts';
import { addRouting } from '../inspect/routing.ts';
import { addTokens } from '../inspect/tokens.ts';

/** The commands by which a model is looked into and the work is checked from outside: JSON lines in, JSON lines out. */
export function addInspect(program: Command, context: Context): void {
  const inspect = program
    .command('inspect')
    .description('look inside: checkpoints, tokens, Harmony, logits, routing; JSON lines in and out');
  addCheckpoint(inspect, context);
  addTokens(inspect, context);
  addRender(inspect, context);
  addParse(inspect, context);
  addLogits(inspect, context);
  addGenerate(inspect, context);
  addRouting(inspect, context);
}
