import { OssiaError } from '../base/index.ts';
import { isJsonObject, JsonNumber, member, members } from './json.ts';
import type { RecoveredMessage } from './recovery/events.ts';
import type { RenderOptions } from './render.ts';
import type {
  Content,
  Conversation,
  DeveloperContent,
  Message,
  SystemContent,
  TextMessage,
  ToolDescription,
  ToolNamespace,
  ToolNamespaces,
} from './types.ts';

/** A `$repeat` beyond this many characters is a mistake: it is sixteen times the longest context. */
const MAX_REPEATED = 16 * 1024 * 1024;

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
const EFFORTS = ['low', 'medium', 'high'] as const;
const MODES = ['completion', 'conversation', 'training', 'message'] as const;
const HISTORIES = ['per-turn', 'official', 'keep'] as const;
const CALL_ORDERS = ['model', 'official'] as const;

/**
 * Reads the JSON form of a conversation (`docs/reference/harmony.md`), the one of the official library: from `parseJson`,
 * where number text and key order in schemas matter, or from `JSON.parse`. Absent and null mean: leave it out.
 * Throws `harmony/bad-conversation` with the path of the field that does not fit.
 */
export function conversationFromJson(value: unknown): Conversation {
  return { messages: new Field(value, '').get('messages').list(readMessage) };
}

/**
 * Reads options of the official form: `mode` (default conversation), `next_role`, `auto_drop_analysis` (default true),
 * `conversation_has_function_tools`; and `history`, `call_order` for what the official library cannot do. So the result is
 * official unless asked otherwise.
 */
export function renderOptionsFromJson(value: unknown): RenderOptions {
  const options = new Field(value ?? {}, 'options');
  const drops = options.get('auto_drop_analysis').optionalBoolean() ?? true;
  const nextRole = options.get('next_role').optional((field) => field.oneOf(ROLES));
  return {
    mode: options.get('mode').optional((field) => field.oneOf(MODES)) ?? 'conversation',
    history: options.get('history').optional((field) => field.oneOf(HISTORIES)) ?? (drops ? 'official' : 'keep'),
    callOrder: options.get('call_order').optional((field) => field.oneOf(CALL_ORDERS)) ?? 'official',
    hasFunctionTools: options.get('conversation_has_function_tools').optionalBoolean() ?? false,
    ...(nextRole === undefined ? {} : { nextRole }),
  };
}

/** A parsed message in the same form; absent fields are left out. */
export function messageToJson(message: TextMessage): Record<string, string> {
  const { role, name, recipient, channel, contentType, content } = message;
  return {
    role,
    ...(name === undefined ? {} : { name }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(channel === undefined ? {} : { channel }),
    ...(contentType === undefined ? {} : { content_type: contentType }),
    content,
  };
}

/** A recovered message in the same form: every field of a header, null where it is absent, and what the message is. */
export function recoveredToJson(message: RecoveredMessage): Record<string, string | boolean | null> {
  const {
    role,
    channel,
    recipient = null,
    contentType = null,
    content,
    surface,
    tool,
    undeclared,
    incomplete,
  } = message;
  const fields = { role, channel, recipient, content_type: contentType, content, surface };
  return { ...fields, ...defined({ tool, undeclared, incomplete }) };
}

function readMessage(message: Field): Message {
  return {
    role: message.get('role').oneOf(ROLES),
    ...defined({
      name: message.get('name').optionalString(),
      recipient: message.get('recipient').optionalString(),
      channel: message.get('channel').optionalString(),
      contentType: message.get('content_type').optionalString(),
      sampled: message.get('sampled').optional((ids) => ids.list((id) => id.integer())),
    }),
    content: readContent(message.get('content')),
  };
}

function readContent(content: Field): string | Content[] {
  return Array.isArray(content.value) ? content.list(readPart) : content.string('a string or a list of parts');
}

function readPart(part: Field): Content {
  const type = part.get('type').oneOf(['text', 'system_content', 'developer_content'] as const);
  if (type === 'text') return { type, text: part.get('text').string() };
  return type === 'system_content' ? readSystem(part) : readDeveloper(part);
}

function readSystem(part: Field): SystemContent {
  return {
    type: 'system',
    ...defined({
      modelIdentity: part.get('model_identity').optionalString(),
      knowledgeCutoff: part.get('knowledge_cutoff').optionalString(),
      conversationStartDate: part.get('conversation_start_date').optionalString(),
      reasoningEffort: part.get('reasoning_effort').optional((effort) => effort.oneOf(EFFORTS, 'ignoring case')),
      tools: part.get('tools').optional(readTools),
      channels: part.get('channel_config').optional((channels) => ({
        valid: channels.get('valid_channels').list((channel) => channel.string()),
        required: channels.get('channel_required').optionalBoolean() ?? false,
      })),
    }),
  };
}

function readDeveloper(part: Field): DeveloperContent {
  return {
    type: 'developer',
    ...defined({
      instructions: part.get('instructions').optionalString(),
      tools: part.get('tools').optional(readTools),
    }),
  };
}

function readTools(tools: Field): ToolNamespaces {
  return Object.fromEntries(tools.entries().map(([key, namespace]) => [key, readNamespace(namespace)]));
}

function readNamespace(namespace: Field): ToolNamespace {
  return {
    name: namespace.get('name').string(),
    ...defined({ description: namespace.get('description').optionalString() }),
    tools: namespace.get('tools').list(readTool),
  };
}

function readTool(tool: Field): ToolDescription {
  return {
    name: tool.get('name').string(),
    description: tool.get('description').string(),
    ...defined({ parameters: tool.get('parameters').optional((parameters) => parameters.value) }),
  };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the members that are undefined: an absent field and one that is undefined are not the same type here. */
function defined<T extends object>(fields: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}

/** A value together with its path, which every complaint about it names. */
class Field {
  readonly value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.#path = path;
  }

  get(key: string): Field {
    if (!isJsonObject(this.value)) this.#fail('an object');
    return new Field(member(this.value, key), this.#path === '' ? key : `${this.#path}.${key}`);
  }

  entries(): [string, Field][] {
    if (!isJsonObject(this.value)) this.#fail('an object');
    return members(this.value).map(([key]) => [key, this.get(key)]);
  }

  list<T>(read: (item: Field) => T): T[] {
    if (!Array.isArray(this.value)) this.#fail('a list');
    return (this.value as unknown[]).map((item, index) => read(new Field(item, `${this.#path}[${index}]`)));
  }

  optional<T>(read: (field: Field) => T): T | undefined {
    return this.value === undefined || this.value === null ? undefined : read(this);
  }

  optionalString(): string | undefined {
    return this.optional((field) => field.string());
  }

  optionalBoolean(): boolean | undefined {
    return this.optional((field) => (typeof field.value === 'boolean' ? field.value : field.#fail('true or false')));
  }

  string(expected = 'a string'): string {
    if (typeof this.value === 'string') return this.value;
    const repeat = member(this.value, '$repeat');
    return repeat === undefined ? this.#fail(expected) : new Field(repeat, `${this.#path}.$repeat`).#repeated();
  }

  /** `{"$repeat": {"text", "times"}}` stands for a long text in test data. */
  #repeated(): string {
    const text = this.get('text').string();
    const times = this.get('times').integer();
    if (text.length * times > MAX_REPEATED) this.#fail(`at most ${MAX_REPEATED} characters`);
    return text.repeat(times);
  }

  integer(): number {
    const number = this.value instanceof JsonNumber ? this.value.valueOf() : this.value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) this.#fail('a whole number');
    return number;
  }

  oneOf<T extends string>(names: readonly T[], spelling: 'exactly' | 'ignoring case' = 'exactly'): T {
    const text = typeof this.value === 'string' && spelling === 'ignoring case' ? this.value.toLowerCase() : this.value;
    return names.find((name) => name === text) ?? this.#fail(names.map((name) => `"${name}"`).join(', '));
  }

  #fail(expected: string): never {
    const { value } = this;
    const found = isJsonObject(value) ? 'an object' : Array.isArray(value) ? 'a list' : String(JSON.stringify(value));
    const where = this.#path === '' ? 'the conversation' : this.#path;
    throw new OssiaError(
      'harmony/bad-conversation',
      `Cannot read ${where}: expected ${expected}, found ${found.length > 60 ? `${found.slice(0, 60)}…` : found}`,
      { details: { path: this.#path } },
    );
  }
}
