import { OssiaError } from '../base/index.ts';
import {
  answerMessage,
  builtinCallMessage,
  builtinResultMessage,
  builtinTools,
  type Conversation,
  developerMessage,
  functionCallMessage,
  functionResultMessage,
  type Message,
  reasoningMessage,
  remarkMessage,
  systemMessage,
  userMessage,
} from '../harmony/index.ts';
import type { AssistantMessage, ChatMessage, ChatOptions, ToolDeclaration, ToolMessage } from './types.ts';

/** What of the options goes into the prompt. */
export type PromptOptions = Pick<
  ChatOptions,
  'tools' | 'builtins' | 'effort' | 'identity' | 'date' | 'knowledgeCutoff' | 'responseFormat'
>;

/**
 * A history as a Harmony conversation: the system message says who the model is, the developer message what it is told to do
 * and which functions it has, the rest follows in order. Throws `harmony/bad-conversation` with the index of what is wrong.
 */
export function toConversation(history: readonly ChatMessage[], options: PromptOptions = {}): Conversation {
  checkTools(options.tools ?? []);
  checkBuiltins(options.builtins ?? []);
  checkEffort(options.effort);
  if (!Array.isArray(history) || history.length === 0) {
    throw bad(`Expected the history to be a list of one message or more, got ${JSON.stringify(history)?.slice(0, 80)}`);
  }
  history.forEach(checkMessage);
  const afterInstructions = history.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const split = afterInstructions < 0 ? history.length : afterInstructions;
  const instructions = history.slice(0, split).map(({ content }) => content);
  const developer = developerMessage({
    instructions: instructions.filter((text) => text !== '').join('\n\n'),
    functions: (options.tools ?? []).map((tool) => ({ ...tool, description: tool.description ?? '' })),
    ...(typeof options.responseFormat === 'object' ? { responseFormat: options.responseFormat } : {}),
  });
  const calls = new Calls(options);
  const rest = history.slice(split).flatMap((message, i) => toMessages(message, calls, split + i));
  return { messages: [openingMessage(options), ...(developer ? [developer] : []), ...rest] };
}

/** The system message, with null for a line that shall be missing. */
function openingMessage({ effort, identity, date = today(), knowledgeCutoff, builtins }: PromptOptions): Message {
  const message = systemMessage({
    ...(effort === undefined ? {} : { effort }),
    ...(identity === undefined ? {} : { identity }),
    ...(builtins === undefined ? {} : { builtins }),
    ...(date === null ? {} : { date }),
    ...(typeof knowledgeCutoff === 'string' ? { cutoff: knowledgeCutoff } : {}),
  });
  if (knowledgeCutoff !== null || typeof message.content === 'string') return message;
  const content = message.content.map((part) => {
    if (part.type !== 'system') return part;
    const { knowledgeCutoff: _, ...others } = part;
    return others;
  });
  return { ...message, content };
}

/** Today by this machine's clock, `2026-03-01`. */
function today(): string {
  const now = new Date();
  const two = (part: number) => String(part).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function toMessages(message: ChatMessage, calls: Calls, index: number): Message[] {
  switch (message.role) {
    case 'system':
    case 'developer': {
      const developer = developerMessage({ instructions: message.content });
      return developer ? [developer] : [];
    }
    case 'user':
      return [userMessage(message.content)];
    case 'assistant': {
      const messages = message.harmony ?? assistantMessages(message);
      calls.note(message, messages);
      return [...messages];
    }
    case 'tool': {
      const { name, channel, builtin } = calls.answer(message, index);
      return [(builtin ? builtinResultMessage : functionResultMessage)(name, message.content, channel)];
    }
  }
}

function assistantMessages({ content, reasoning, toolCalls }: AssistantMessage): Message[] {
  const calls = (toolCalls ?? []).map((call) =>
    (call.builtin ? builtinCallMessage : functionCallMessage)(call.name, call.arguments),
  );
  // Text beside calls is a remark before them: behind an answer no result could come.
  const text = content ? [calls.length > 0 ? remarkMessage(content) : answerMessage(content)] : [];
  return [...(reasoning ? [reasoningMessage(reasoning)] : []), ...text, ...calls];
}

interface OpenCall {
  readonly id: string;
  readonly name: string;
  /** Where the model made the call: its result goes to the same channel. */
  readonly channel: string | undefined;
  readonly builtin: boolean;
}

/** Which calls were made so far, and which still wait for their result. */
class Calls {
  readonly #made = new Map<string, OpenCall>();
  readonly #options: Pick<PromptOptions, 'tools' | 'builtins'>;
  #open: OpenCall[] = [];

  constructor(options: Pick<PromptOptions, 'tools' | 'builtins'>) {
    this.#options = options;
  }

  note({ toolCalls }: AssistantMessage, messages: readonly Message[]): void {
    const written = messages.filter(({ recipient }) => recipient !== undefined && recipient !== 'assistant');
    (toolCalls ?? []).forEach(({ id, name, builtin = false }, i) => {
      const call = { id, name, channel: written[i]?.channel, builtin };
      this.#made.set(id, call);
      this.#open.push(call);
    });
  }

  /** The call that a tool message answers. */
  answer({ toolCallId, name }: ToolMessage, index: number): Omit<OpenCall, 'id'> {
    const only = this.#open.length === 1 ? this.#open[0] : undefined;
    const call = toolCallId === undefined ? (name === undefined ? only : undefined) : this.#made.get(toolCallId);
    if (call) {
      this.#open = this.#open.filter((other) => other !== call);
      return call;
    }
    if (name !== undefined) {
      const open = this.#open.find((other) => other.name === name);
      this.#open = this.#open.filter((other) => other !== open);
      return open ?? { name, channel: undefined, builtin: this.#isBuiltin(name) };
    }
    const found =
      toolCallId === undefined ? `${this.#open.length} calls wait for one` : `no call has the id "${toolCallId}"`;
    throw bad(`Cannot tell which call message ${index} answers: ${found}`);
  }

  /** Whether a result that has no call is a builtin's. */
  #isBuiltin(name: string): boolean {
    const { tools = [], builtins = [] } = this.#options;
    return (
      !tools.some((tool) => tool.name === name) && builtins.some((own) => name === own || name.startsWith(`${own}.`))
    );
  }
}

function checkMessage(message: ChatMessage, index: number): void {
  const given: Partial<Record<keyof AssistantMessage | 'role', unknown>> = message;
  const roles = ['system', 'developer', 'user', 'assistant', 'tool'];
  if (typeof given !== 'object' || given === null || !roles.includes(String(given.role))) {
    throw bad(
      `Expected message ${index} to have one of the roles ${roles.join(', ')}, got ${JSON.stringify(given)?.slice(0, 80)}`,
    );
  }
  const optional = given.role === 'assistant';
  for (const field of ['content', 'reasoning'] as const) {
    if (typeof given[field] === 'string' || (given[field] == null && (optional || field === 'reasoning'))) continue;
    throw bad(
      `Expected the ${field} of message ${index} (${given.role}) to be a text, got ${JSON.stringify(given[field])?.slice(0, 80)}`,
    );
  }
}

function checkEffort(effort: unknown): void {
  if (effort === undefined || effort === 'low' || effort === 'medium' || effort === 'high') return;
  throw bad(`Expected effort to be low, medium or high, got ${JSON.stringify(effort)}`);
}

function checkBuiltins(builtins: readonly unknown[]): void {
  const known = Object.keys(builtinTools);
  if (Array.isArray(builtins) && builtins.every((name) => known.includes(name))) return;
  throw bad(`Expected builtins to be among ${known.join(', ')}, got ${JSON.stringify(builtins)?.slice(0, 80)}`);
}

function checkTools(tools: readonly ToolDeclaration[]): void {
  const names = new Set<string>();
  for (const [index, { name }] of tools.entries()) {
    if (typeof name !== 'string' || !/^[\w.-]{1,128}$/.test(name)) {
      throw bad(
        `Expected the name of tool ${index} to be letters, digits, "_", "-" and ".", got ${JSON.stringify(name)}`,
      );
    }
    if (names.has(name)) throw bad(`Cannot declare two tools with the name "${name}"`);
    names.add(name);
  }
}

function bad(message: string): OssiaError {
  return new OssiaError('harmony/bad-conversation', message);
}
