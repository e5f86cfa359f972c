import type { Command } from 'commander';
import { evaluate, type Model } from '../../index.ts';
import type { Context } from '../context.ts';
import { addLoadFlags, integer, type LoadFlags } from '../options.ts';
import { answerLines, type Line, readLines } from './json-lines.ts';
import { withModel } from './open-model.ts';
import { badInput, integers, optionalIntegers, type Request } from './requests.ts';
import { SafetensorsWriter } from './safetensors-writer.ts';

interface Flags extends LoadFlags {
  readonly model: string;
  readonly out: string;
  readonly chunk?: number;
}

export function addLogits(inspect: Command, context: Context): void {
  const command = inspect
    .command('logits')
    .description('{"ids", "positions"?} → logits.0, logits.1 … in a safetensors file, F32 [positions, vocab]')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .requiredOption('-m, --model <model>', 'path or name of the model')
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--chunk <n>', 'tokens in one step', integer(1, 131_072));
  addLoadFlags(command).action(async (input: string | undefined, flags: Flags) => {
    const lines: Line[] = [];
    for await (const line of readLines(input)) lines.push(line); // the file's header needs room for all of them
    const writer = new SafetensorsWriter(flags.out, lines.length);
    const abandon = () => writer.abandon();
    process.once('exit', abandon); // also when interrupted: half a file is worse than none
    const interrupted = () => process.exit(130);
    process.once('SIGINT', interrupted);
    await withModel(context, flags.model, flags, (model) =>
      answerLines(context, lines, (request, index) =>
        writeLogits(model, writer, request, `logits.${index}`, flags.chunk),
      ),
    );
    process.off('SIGINT', interrupted).off('exit', abandon);
    writer.close();
  });
}

/** Computes one request's logits into the tensor `name`, row by row as they come. */
async function writeLogits(model: Model, writer: SafetensorsWriter, request: Request, name: string, chunk?: number) {
  const ids = integers(request, 'ids');
  const positions = optionalIntegers(request, 'positions');
  const outside = positions?.find((position) => position >= ids.length);
  if (outside !== undefined)
    throw badInput(`Expected positions below ${ids.length}, the number of ids, got ${outside}`);
  await evaluate(model, ids, {
    ...(chunk === undefined ? {} : { chunk }),
    ...(positions === undefined ? {} : { positions }),
    onRow: (index, logits) => writer.writeRow(index, logits),
  });
  const shape = [positions?.length ?? ids.length, model.config.vocabSize] as const;
  writer.finishTensor(name, shape);
  return { tensor: name, shape };
}
