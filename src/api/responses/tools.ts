import type { ToolDeclaration } from '../../chat/index.ts';
import type { ToolChoice } from '../../harmony/index.ts';
import { badRequest, validate } from '../validate.ts';
import { type HostedWishes, matchWish, onlyAllowed, readWishes, type ServerTools } from './hosted/request.ts';
import type { Note } from './response.ts';
import { type PromptBody, toolSchemas } from './schema.ts';

/** A tool as the request declared it, and as the model knows it. */
interface OfferedTool {
  readonly type: 'function' | 'custom';
  readonly name: string;
  readonly namespace: string | undefined;
  /** To the model: its namespace is part of its name. */
  readonly declaration: ToolDeclaration;
  /** What it asks for that is told to the model and not held. */
  readonly note?: string;
}

export type CalledTool = Pick<OfferedTool, 'type' | 'name' | 'namespace'>;

/**
 * The tools of a request: functions, custom tools, and namespaces of both are offered to the model, and of what runs on servers
 * (`web_search`, `code_interpreter`, `mcp`) what this one has. The others (`image_generation` …) are accepted, because agents send
 * them whatever the server, and not offered.
 */
export class Toolbox {
  readonly #tools: readonly OfferedTool[];

  readonly #wishes: HostedWishes;

  constructor(tools: PromptBody['tools'], server?: ServerTools) {
    this.#wishes = readWishes(tools, server);
    this.#tools = (tools ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`, undefined));
  }

  /** Where calls are not held to what was asked. */
  get notes(): Note[] {
    const own = this.#tools.flatMap(({ name, note }) =>
      note === undefined ? [] : [{ tool: name, path: '', message: note }],
    );
    return [...own, ...this.#wishes.notes];
  }

  /** What of them runs here. */
  hosted(choice: PromptBody['tool_choice']): HostedWishes {
    const isList = typeof choice === 'object' && choice?.type === 'allowed_tools';
    return isList ? onlyAllowed(this.#wishes, choice.tools ?? []) : this.#wishes;
  }

  /** How the model's call of a tool goes over the wire. One that was not declared is a function's. */
  called(name: string): CalledTool {
    return (
      this.#tools.find(({ declaration }) => declaration.name === name) ?? {
        type: 'function',
        name,
        namespace: undefined,
      }
    );
  }

  /** What of the tools a turn may use. Throws `api/bad-request` for a choice of tools that are not offered. */
  choose(choice: PromptBody['tool_choice']): { tools: readonly ToolDeclaration[]; toolChoice: ToolChoice } {
    const all = this.#tools.map(({ declaration }) => declaration);
    if (choice === null || choice === undefined) return { tools: all, toolChoice: 'auto' };
    if (typeof choice === 'string') return { tools: all, toolChoice: choice };
    if (choice.type === 'allowed_tools') {
      const allowed = (choice.tools ?? []).flatMap((tool) => this.#match(tool));
      return { tools: [...new Set(allowed)], toolChoice: choice.mode ?? 'auto' };
    }
    const [tool] = this.#match(choice);
    const hosted = tool === undefined ? matchWish(this.#wishes, choice) : undefined;
    if (hosted !== undefined) return { tools: all, toolChoice: hosted === null ? 'required' : { name: hosted } };
    if (tool === undefined) {
      const what = typeof choice.name === 'string' ? `${choice.type} "${choice.name}"` : choice.type;
      throw badRequest(`tool_choice: no tool that the model can call is the ${what}`, 'tool_choice');
    }
    return { tools: all, toolChoice: { name: tool.name } };
  }

  #match({ type, name, namespace }: { type: string; name?: unknown; namespace?: unknown }): ToolDeclaration[] {
    const matches = this.#tools.filter(
      (tool) =>
        (type === 'namespace' ? tool.namespace === name : tool.type === type && tool.name === name) &&
        (typeof namespace !== 'string' || tool.namespace === namespace),
    );
    return matches.map(({ declaration }) => declaration);
  }
}

/** What the model calls a tool of a namespace: `mcp__files__` and `read` → `mcp__files__read`. */
export function modelName(name: string, namespace?: unknown): string {
  if (typeof namespace !== 'string' || namespace === '') return name;
  return `${namespace}${namespace.endsWith('__') ? '' : '__'}${name}`;
}

function readTool(tool: { readonly type: string }, at: string, namespace: string | undefined): OfferedTool[] {
  if (tool.type === 'function') {
    const { name, description, parameters, strict } = validate(toolSchemas.function, tool, at);
    const declaration: ToolDeclaration = {
      name: modelName(name, namespace),
      ...(description ? { description } : {}),
      ...(parameters ? { parameters } : {}),
      // Not strict: the schema all the same, as far as it can be held.
      ...(strict ? { strict } : {}),
    };
    return [{ type: 'function', name, namespace, declaration }];
  }
  if (tool.type === 'custom') {
    const { name, description, format } = validate(toolSchemas.custom, tool, at);
    const words = [description ?? '', 'Takes plain text, not JSON.'];
    if (format?.type === 'grammar') {
      const { syntax, definition } = format;
      words.push(`The text has to match this ${syntax} grammar:\n${definition}`);
    }
    const description_ = words.filter((text) => text !== '').join('\n');
    const declaration = { name: modelName(name, namespace), description: description_, parameters: { type: 'string' } };
    const note = format?.type === 'grammar' ? { note: 'the grammar is told to the model, and not held' } : {};
    return [{ type: 'custom', name, namespace, declaration, ...note }];
  }
  if (tool.type !== 'namespace' || namespace !== undefined) return [];
  const { name, description, tools } = validate(toolSchemas.namespace, tool, at);
  const offered = tools.flatMap((inner, index) => readTool(inner, `${at}.tools[${index}]`, name));
  return offered.map((inner, index) => (index === 0 && description ? introduced(inner, description) : inner));
}

/** The first tool of a namespace tells what the namespace is for. */
function introduced(tool: OfferedTool, introduction: string): OfferedTool {
  const { description = '' } = tool.declaration;
  return { ...tool, declaration: { ...tool.declaration, description: `${introduction}\n\n${description}`.trim() } };
}
