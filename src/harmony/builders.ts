import { type BuiltinName, builtinTools } from './builtins.ts';
import { CONTROL } from './format.ts';
import { stringifyJson } from './json.ts';
import type { Message, ReasoningEffort, ToolDescription, ToolNamespaces } from './types.ts';

export interface SystemMessageOptions {
  /** Default `You are ChatGPT, a large language model trained by OpenAI.`: what the models were trained with. */
  readonly identity?: string;
  /** Default `medium`. */
  readonly effort?: ReasoningEffort;
  /** Today, `2026-03-01`. Default: no line. */
  readonly date?: string;
  /** Default `2024-06`. */
  readonly cutoff?: string;
  /** Builtin tools that the caller carries out. Default none. */
  readonly builtins?: readonly BuiltinName[];
}

/** The system message as the official constructors make it: who the model is, how hard it thinks, which channels it has. */
export function systemMessage(options: SystemMessageOptions = {}): Message {
  const { builtins = [] } = options;
  const tools = Object.fromEntries(builtins.map((name) => [name, builtinTools[name]]));
  return {
    role: 'system',
    content: [
      {
        type: 'system',
        modelIdentity: options.identity ?? 'You are ChatGPT, a large language model trained by OpenAI.',
        knowledgeCutoff: options.cutoff ?? '2024-06',
        reasoningEffort: options.effort ?? 'medium',
        channels: { valid: ['analysis', 'commentary', 'final'], required: true },
        ...(options.date === undefined ? {} : { conversationStartDate: options.date }),
        ...(builtins.length === 0 ? {} : { tools }),
      },
    ],
  };
}

export interface ResponseFormat {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the answer. Guides the model; to hold it is a constraint's business. */
  readonly schema: unknown;
  /** Whether a schema that cannot be held exactly is refused, rather than relaxed. Default false. */
  readonly strict?: boolean;
}

export interface DeveloperMessageOptions {
  /** What API users call the system prompt. An empty text counts as none: many clients send one. */
  readonly instructions?: string;
  readonly functions?: readonly ToolDescription[];
  readonly responseFormat?: ResponseFormat;
}

/** The developer message: instructions, the form of the answer, functions. Undefined when there is none of them. */
export function developerMessage(options: DeveloperMessageOptions = {}): Message | undefined {
  const format = options.responseFormat === undefined ? '' : responseFormatText(options.responseFormat);
  const instructions = [options.instructions ?? '', format].filter((text) => text !== '').join('\n\n');
  const functions = options.functions ?? [];
  if (instructions === '' && functions.length === 0) return undefined;
  const tools: ToolNamespaces = { functions: { name: 'functions', tools: functions } };
  return {
    role: 'developer',
    content: [
      {
        type: 'developer',
        ...(instructions === '' ? {} : { instructions }),
        ...(functions.length === 0 ? {} : { tools }),
      },
    ],
  };
}

function responseFormatText({ name, description, schema }: ResponseFormat): string {
  const comment = description === undefined ? '' : `// ${description}\n`;
  return `# Response Formats\n\n## ${name}\n\n${comment}${stringifyJson(schema)}`;
}

export function userMessage(text: string): Message {
  return { role: 'user', content: text };
}

/** A past answer, for a conversation whose tokens are not at hand. */
export function answerMessage(text: string): Message {
  return { role: 'assistant', channel: 'final', content: text };
}

/** What the model told the user before a call, while it was still at work. */
export function remarkMessage(text: string): Message {
  return { role: 'assistant', channel: 'commentary', content: text };
}

/** Past thoughts; the history rule decides whether they are rendered. */
export function reasoningMessage(text: string): Message {
  return { role: 'assistant', channel: 'analysis', content: text };
}

/** A past call of a function, as the models write it. `argumentsJson` is kept as it is. */
export function functionCallMessage(name: string, argumentsJson: string): Message {
  return {
    role: 'assistant',
    recipient: `functions.${name}`,
    channel: 'commentary',
    contentType: `${CONTROL.constrain}json`,
    content: argumentsJson,
  };
}

/** A past call of a builtin by its recipient, `python`, `browser.search`, as the models write it: while they think. */
export function builtinCallMessage(recipient: string, content: string): Message {
  return { role: 'assistant', recipient, channel: 'analysis', contentType: 'code', content };
}

/** The result of a call. `channel` is that of the call; default `commentary`, where functions are called. */
export function functionResultMessage(name: string, result: string, channel = 'commentary'): Message {
  return { role: 'tool', name: `functions.${name}`, recipient: 'assistant', channel, content: result };
}

/** The result of a builtin, by the recipient of its call: `python`, `browser.search`. Builtins are called while thinking. */
export function builtinResultMessage(recipient: string, result: string, channel = 'analysis'): Message {
  return { role: 'tool', name: recipient, recipient: 'assistant', channel, content: result };
}
