import type { Command } from 'commander';
import { type DeclaredTool, messageToJson, type Role, recoveredToJson, type TurnFinish } from '../../harmony/index.ts';
import { parse, RecoveringParser, type Tokenizer } from '../../index.ts';
import type { Context } from '../context.ts';
import { answerLines, readLines } from './json-lines.ts';
import { tokenizerOf } from './open-tokenizer.ts';
import { harmonyResult } from './render.ts';
import { badInput, integers, isObject, optionalFlag, optionalOneOf, optionalTexts, type Request } from './requests.ts';

interface Flags {
  readonly model?: string;
  readonly recover?: boolean;
}

export function addParse(inspect: Command, context: Context): void {
  inspect
    .command('parse')
    .description('{"tokens", "role"?, "strict"?} → {"messages"} or {"error"}')
    .argument('[input]', 'file of JSON lines (default: standard input)')
    .option('-m, --model <model>', 'path or name of the model (default: o200k_harmony)')
    .option('--recover', '{"tokens", "tools"?, "builtins"?, "finish"?} → {"messages", "repairs"}: never an error')
    .action(async (input: string | undefined, { model, recover: recovers }: Flags) => {
      const tokenizer = await tokenizerOf(context, model);
      const answer = (request: Request) =>
        recovers ? recover(tokenizer, request) : harmonyResult(() => parseStrictly(tokenizer, request));
      await answerLines(context, readLines(input), answer);
    });
}

const ROLES: readonly Role[] = ['system', 'developer', 'user', 'assistant', 'tool'];
const FINISHES: readonly TurnFinish[] = ['stop', 'length', 'cancelled'];

/** As the official parser reads it. */
function parseStrictly(tokenizer: Tokenizer, request: Request) {
  const role = optionalOneOf(request, 'role', ROLES);
  const strict = optionalFlag(request, 'strict');
  const messages = parse(integers(request, 'tokens'), tokenizer, {
    ...(role === undefined ? {} : { role }),
    ...(strict === undefined ? {} : { strict }),
  });
  return { messages: messages.map(messageToJson) };
}

/** As a turn that a model wrote behind `<|start|>assistant`. */
function recover(tokenizer: Tokenizer, request: Request) {
  const parser = new RecoveringParser(tokenizer, {
    tools: declaredTools(request),
    builtins: optionalTexts(request, 'builtins') ?? [],
  });
  for (const id of integers(request, 'tokens')) parser.push(id);
  parser.end(optionalOneOf(request, 'finish', FINISHES) ?? 'stop');
  return { messages: parser.messages.map(recoveredToJson), repairs: parser.repairs };
}

function declaredTools(request: Request): DeclaredTool[] {
  const tools = request.get('tools') ?? [];
  if (!Array.isArray(tools)) throw badInput('Expected "tools" to be a list of {"name", "parameters"}');
  return tools.map((tool: unknown, index) => {
    if (!isObject(tool) || typeof tool.name !== 'string') throw badInput(`Expected "tools"[${index}] to have a "name"`);
    return { name: tool.name, ...(tool.parameters ? { parameters: tool.parameters } : {}) };
  });
}
