import { type Command, Option } from 'commander';
import { type ActEvent, act, type ChatEvent, type ChatMessage, type LoadedModel, load } from '../../index.ts';
import { announceModel } from '../announce.ts';
import { type Show, showJson, showText } from '../answer.ts';
import { approvalOf } from '../approval.ts';
import type { Context } from '../context.ts';
import { usage } from '../failure.ts';
import { catchInterrupt } from '../interrupt.ts';
import {
  addLoadFlags,
  addModelFlag,
  addSamplingFlags,
  addTurnFlags,
  integer,
  type LoadFlags,
  loadOptionsOf,
  type SamplingFlags,
  samplingOf,
  type TurnFlags,
  turnOptionsOf,
} from '../options.ts';
import { isPiped, readAll, readUnlessSilent } from '../standard-input.ts';
import { addToolFlags, closeAll, openToolbox, type ToolFlags } from '../tool-flags.ts';

interface Flags extends LoadFlags, SamplingFlags, TurnFlags, ToolFlags {
  readonly model?: string;
  readonly json?: boolean;
  readonly logprobs?: number;
  readonly stats?: boolean;
}

export function addRun(program: Command, context: Context): void {
  const command = program
    .command('run')
    .description('answer one prompt')
    .argument('[model]', 'path or name; when only one argument is given, it is the prompt')
    .argument('[prompt]', 'what to ask; piped text follows it, and stands alone where there is no prompt');
  addModelFlag(command);
  addTurnFlags(command);
  addToolFlags(command);
  command
    .option('--json', 'print the events of the turn as JSON lines')
    .addOption(
      new Option('--logprobs <n>', 'with --json: report n alternatives beside each token').argParser(integer(0, 20)),
    )
    .option('--stats', 'print tokens, speed and seed on standard error');
  addSamplingFlags(command);
  addLoadFlags(command);
  command.action((first: string | undefined, second: string | undefined, flags: Flags) =>
    run(context, first, second, flags),
  );
}

async function run(
  context: Context,
  first: string | undefined,
  second: string | undefined,
  flags: Flags,
): Promise<void> {
  const { terminal } = context;
  if (flags.logprobs !== undefined && !flags.json) throw usage('Cannot show --logprobs as text', 'Add --json');
  const { model: name, prompt } = await readPrompt(first, second, flags.model, context.defaultModel);
  const options = { ...samplingOf(flags), ...turnOptionsOf(flags) };
  const interrupt = catchInterrupt();
  const toolbox = await openToolbox(context, flags);
  let model: LoadedModel | undefined;
  try {
    model = await load(name, loadOptionsOf(context, flags));
    announceModel(terminal, model);
    const history: ChatMessage[] = [
      ...(flags.system === undefined ? [] : [{ role: 'system', content: flags.system } as const]),
      { role: 'user', content: prompt },
    ];
    const show = flags.json
      ? showJson(terminal)
      : showText(terminal, { hideReasoning: flags.hideReasoning ?? false, acts: toolbox.length > 0 });
    const turn = {
      ...options,
      signal: interrupt.signal,
      ...(flags.logprobs === undefined ? {} : { topLogprobs: flags.logprobs }),
    };
    const { maxSteps } = flags;
    const acting = { toolbox, conversation: 'run', ...(maxSteps === undefined ? {} : { maxSteps }) };
    const events =
      toolbox.length === 0
        ? model.chat(history, turn)
        : act(model, history, { ...turn, ...acting, ...approvalOf(terminal, flags) });
    await showAll(events, flags.stats ? withStats(context, show) : show);
  } finally {
    await model?.close();
    await closeAll(toolbox);
    interrupt.dispose();
  }
  if (interrupt.signal.aborted) process.exitCode = interrupt.exitCode;
}

async function showAll(events: AsyncIterable<ChatEvent | ActEvent>, show: Show): Promise<void> {
  for await (const event of events) show(event);
}

/** Which argument is what: see docs/cli.md. */
async function readPrompt(
  first: string | undefined,
  second: string | undefined,
  flag: string | undefined,
  defaultModel: string,
): Promise<{ model: string; prompt: string }> {
  if (flag !== undefined && second !== undefined) {
    throw usage('Cannot take a model as argument beside --model', 'Put the prompt in quotes');
  }
  if (second !== undefined) return { model: first!, prompt: await withPiped(second) };
  const model = flag ?? defaultModel;
  if (first === undefined) return { model, prompt: await onlyPiped() };
  if (flag !== undefined || !looksLikeModel(first)) return { model, prompt: await withPiped(first) };
  if (isPiped()) return { model: first, prompt: await onlyPiped() };
  throw usage(
    `Cannot run "${first}" without a prompt`,
    `Add a prompt in quotes, or run \`ossia chat ${first}\`; if "${first}" is the prompt, name a model with --model`,
  );
}

/** Written like a path, like a name with a tag, or like a repository of the hub. */
function looksLikeModel(text: string): boolean {
  return (
    /^(?:\.{0,2}\/|~\/|[A-Za-z]:\\)\S*$/.test(text) ||
    /^\S+\.gguf$/i.test(text) ||
    /^(?:ossia-nano|gpt-oss\S*)$/i.test(text) ||
    /^[\w.-]+:[\w.-]+$/.test(text) ||
    /^[\w.-]+\/[\w.-]+$/.test(text)
  );
}

/** The prompt and what is piped behind it, for `git diff | ossia run "Write a commit message"`. */
async function withPiped(prompt: string): Promise<string> {
  const piped = isPiped() ? (await readUnlessSilent()).trimEnd() : '';
  return piped === '' ? notEmpty(prompt) : `${prompt}\n\n${piped}`;
}

async function onlyPiped(): Promise<string> {
  if (!isPiped()) throw usage('No prompt was given', 'Add one in quotes, pipe one in, or talk with `ossia chat`');
  return notEmpty((await readAll()).trimEnd());
}

function notEmpty(prompt: string): string {
  if (prompt.trim() === '') throw usage('The prompt is empty', 'Add one in quotes, or pipe one in');
  return prompt;
}

/** Adds a line of figures on standard error when the turn is over. */
function withStats({ terminal: { err } }: Context, show: Show): Show {
  let usage: Extract<ChatEvent, { type: 'usage' }> | undefined;
  return (event) => {
    show(event);
    if (event.type === 'usage') usage = event;
    if (event.type !== 'end' || !usage) return;
    const { prefillMs, decodeMs } = event.timing;
    const speed = (tokens: number, ms: number) =>
      ms > 0 ? `${((1000 * tokens) / ms).toFixed(1)} tokens/s` : 'no time';
    const { speculation: guessed } = usage;
    err.freshLine();
    err.line(
      `prompt ${usage.promptTokens} tokens (${speed(usage.promptTokens - usage.cachedTokens, prefillMs)}), ` +
        `output ${usage.outputTokens} tokens (${speed(usage.outputTokens - 1, decodeMs)}), seed ${event.seed}` +
        (guessed ? `, ${guessed.accepted} of ${guessed.drafted} guessed tokens came true` : ''),
    );
  };
}
