import type { ToolResult } from '../../../tools/index.ts';
import type { Draft } from '../drafts.ts';
import type { ItemEvent } from '../events.ts';
import { newId } from '../ids.ts';
import type { CodeInterpreterCallItem, CodeOutput, McpCallItem, WebSearchAction, WebSearchCallItem } from './items.ts';

/** How a call that ran here went. */
export interface CallEnd {
  readonly result: ToolResult;
  /** What the model read of it. */
  readonly text: string;
  /** It was not run, or not to its end. */
  readonly isCut: boolean;
}

/** The item of a call that runs here: it stays open until its result is there. */
export interface HostedDraft extends Draft {
  readonly isHosted: true;
  write(delta: string): ItemEvent[];
  /** All of the call is written. */
  written(text: string): ItemEvent[];
  start(): ItemEvent[];
  finish(end: CallEnd): ItemEvent[];
}

export function isHostedDraft(draft: Draft | undefined): draft is HostedDraft {
  return draft !== undefined && 'isHosted' in draft;
}

export class WebSearchDraft implements HostedDraft {
  readonly isHosted = true;
  #item: WebSearchCallItem;
  readonly #withSources: boolean;

  /** `name`: `browser.search`, `browser.open`, `browser.find`. */
  constructor(name: string, args: string, withSources: boolean) {
    const action = askedFor(name, args);
    this.#item = { type: 'web_search_call', id: newId('ws'), status: 'in_progress', action };
    this.#withSources = withSources;
  }

  get item(): WebSearchCallItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    return [{ type: 'response.output_item.added', item: this.#item }, { type: 'response.web_search_call.in_progress' }];
  }

  write(): ItemEvent[] {
    return [];
  }

  written(): ItemEvent[] {
    return [];
  }

  start(): ItemEvent[] {
    return [{ type: 'response.web_search_call.searching' }];
  }

  finish({ result, isCut }: CallEnd): ItemEvent[] {
    const status = isCut ? 'incomplete' : result.isError ? 'failed' : 'completed';
    const action = carriedOut(result.action, this.#withSources) ?? this.#item.action;
    this.#item = { ...this.#item, status, action };
    return [{ type: 'response.web_search_call.completed' }, { type: 'response.output_item.done', item: this.#item }];
  }

  end(): ItemEvent[] {
    this.#item = { ...this.#item, status: 'incomplete' };
    return [{ type: 'response.output_item.done', item: this.#item }];
  }

  void(): ItemEvent[] {
    return this.end();
  }
}

/** What a call asks for, as far as its arguments say. */
function askedFor(name: string, args: string): WebSearchAction {
  const { query, id, pattern } = objectOf(args);
  if (name === 'browser.open') return { type: 'open_page', url: typeof id === 'string' ? id : null };
  if (name === 'browser.find') return { type: 'find_in_page', url: '', pattern: String(pattern ?? '') };
  return { type: 'search', query: String(query ?? ''), queries: [String(query ?? '')] };
}

function carriedOut(action: ToolResult['action'], withSources: boolean): WebSearchAction | undefined {
  switch (action?.type) {
    case 'search': {
      const { query, results } = action;
      const sources = results.map(({ url }) => ({ type: 'url' as const, url }));
      return { type: 'search', query, queries: [query], ...(withSources ? { sources } : {}) };
    }
    case 'open_page':
      return { type: 'open_page', url: action.page.url };
    case 'find_in_page':
      return { type: 'find_in_page', url: action.page.url, pattern: action.pattern };
    default:
      return undefined;
  }
}

function objectOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export class CodeDraft implements HostedDraft {
  readonly isHosted = true;
  #item: CodeInterpreterCallItem;
  readonly #withOutputs: boolean;

  constructor(container: string, withOutputs: boolean) {
    const state = { code: '', container_id: container, outputs: null };
    this.#item = { type: 'code_interpreter_call', id: newId('ci'), status: 'in_progress', ...state };
    this.#withOutputs = withOutputs;
  }

  get item(): CodeInterpreterCallItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    return [
      { type: 'response.output_item.added', item: this.#item },
      { type: 'response.code_interpreter_call.in_progress' },
    ];
  }

  write(delta: string): ItemEvent[] {
    return [{ type: 'response.code_interpreter_call_code.delta', delta }];
  }

  written(code: string): ItemEvent[] {
    this.#item = { ...this.#item, code };
    return [{ type: 'response.code_interpreter_call_code.done', code }];
  }

  start(): ItemEvent[] {
    return [{ type: 'response.code_interpreter_call.interpreting' }];
  }

  finish({ result, isCut }: CallEnd): ItemEvent[] {
    const outputs = this.#withOutputs ? outputsOf(result) : null;
    this.#item = { ...this.#item, status: isCut ? 'incomplete' : 'completed', outputs };
    return [
      { type: 'response.code_interpreter_call.completed' },
      { type: 'response.output_item.done', item: this.#item },
    ];
  }

  end(): ItemEvent[] {
    this.#item = { ...this.#item, status: 'incomplete' };
    return [{ type: 'response.output_item.done', item: this.#item }];
  }

  void(): ItemEvent[] {
    return this.end();
  }
}

function outputsOf({ text, action, images = [] }: ToolResult): CodeOutput[] {
  const logs = action?.type === 'code' ? action.output : text;
  const pictures = images.map(({ mediaType, base64 }) => `data:${mediaType};base64,${base64}`);
  return [
    ...(logs === '' ? [] : [{ type: 'logs' as const, logs }]),
    ...pictures.map((url) => ({ type: 'image' as const, url })),
  ];
}

export class McpCallDraft implements HostedDraft {
  readonly isHosted = true;
  #item: McpCallItem;
  #isWritten = false;

  /** `approvalId`: of the request that this call was waiting for. */
  constructor(server: string, name: string, approvalId: string | null = null) {
    const nothing = { arguments: '', approval_request_id: approvalId, output: null, error: null };
    this.#item = { type: 'mcp_call', id: newId('mcp'), status: 'in_progress', server_label: server, name, ...nothing };
  }

  get item(): McpCallItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    return [{ type: 'response.output_item.added', item: this.#item }, { type: 'response.mcp_call.in_progress' }];
  }

  write(delta: string): ItemEvent[] {
    this.#isWritten = true;
    return [{ type: 'response.mcp_call_arguments.delta', delta }];
  }

  written(text: string): ItemEvent[] {
    const written = text.trim() === '' ? '{}' : text;
    this.#item = { ...this.#item, arguments: written };
    return [
      ...(this.#isWritten ? [] : this.write(written)),
      { type: 'response.mcp_call_arguments.done', arguments: written },
    ];
  }

  start(): ItemEvent[] {
    return [];
  }

  finish({ result, text, isCut }: CallEnd): ItemEvent[] {
    const failed = isCut || result.isError === true;
    const error = { type: 'mcp_tool_execution_error', content: [{ type: 'text', text }] } as const;
    const outcome = failed ? { output: null, error } : { output: text, error: null };
    this.#item = { ...this.#item, status: isCut ? 'incomplete' : failed ? 'failed' : 'completed', ...outcome };
    return [
      { type: failed ? 'response.mcp_call.failed' : 'response.mcp_call.completed' },
      { type: 'response.output_item.done', item: this.#item },
    ];
  }

  end(): ItemEvent[] {
    this.#item = { ...this.#item, status: 'incomplete' };
    return [{ type: 'response.output_item.done', item: this.#item }];
  }

  void(): ItemEvent[] {
    return this.end();
  }
}
