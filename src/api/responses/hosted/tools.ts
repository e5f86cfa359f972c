import { Callables, type ToolDeclaration } from '../../../chat/index.ts';
import type { Citation, Tool, ToolFunction } from '../../../tools/index.ts';
import { newId } from '../ids.ts';
import type { McpListToolsItem } from './items.ts';
import type { HostedWishes, McpWish, ServerTools } from './request.ts';

/** What a call of the model is over the wire. */
export type HostedKind =
  | { readonly type: 'web_search' }
  | { readonly type: 'code_interpreter' }
  | { readonly type: 'mcp'; readonly server: string; readonly name: string; readonly asksFirst: boolean };

interface OpenMcp {
  readonly wish: McpWish;
  readonly tool: Tool;
  readonly functions: readonly ToolFunction[];
  readonly error?: string;
}

/** The tools of one response that run here, ready to be called. */
export class HostedTools {
  /** For `act`. */
  readonly toolbox: readonly Tool[];
  readonly #wishes: HostedWishes;
  readonly #mcp: readonly OpenMcp[];
  readonly #callables: Callables;

  private constructor(wishes: HostedWishes, mcp: readonly OpenMcp[], own: readonly ToolDeclaration[]) {
    this.#wishes = wishes;
    this.#mcp = mcp;
    const builtins = [wishes.browser, wishes.python].flatMap((tool) => (tool === undefined ? [] : [onlyBuiltin(tool)]));
    this.toolbox = [...builtins, ...mcp.map(({ tool }) => tool)];
    this.#callables = new Callables(
      own,
      [],
      [...builtins.map((tool) => [tool, []] as const), ...mcp.map(({ tool, functions }) => [tool, functions] as const)],
    );
  }

  /** Connects to the MCP servers of a request. `own`: the functions that the client carries out. */
  static async open(
    wishes: HostedWishes,
    server: ServerTools | undefined,
    own: readonly ToolDeclaration[],
    signal: AbortSignal,
  ): Promise<HostedTools> {
    const opened = await Promise.allSettled(wishes.mcp.map((wish) => openMcp(wish, server, signal)));
    const mcp = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const broken = opened.find((result) => result.status === 'rejected');
    if (!broken) return new HostedTools(wishes, mcp, own);
    await Promise.allSettled(mcp.map(({ tool }) => tool.close()));
    throw broken.reason;
  }

  get isEmpty(): boolean {
    return this.toolbox.length === 0;
  }

  /** What the model is told of, the client's own functions included. */
  get declared(): Pick<Callables, 'declarations' | 'builtins'> {
    return this.#callables;
  }

  /** Undefined: the client carries it out, or nobody. */
  kindOf(call: { readonly name: string; readonly builtin?: true }): HostedKind | undefined {
    const found = this.#callables.find(call);
    if (found === undefined) return undefined;
    if (found.tool.builtin !== undefined) {
      return { type: found.tool.builtin === 'browser' ? 'web_search' : 'code_interpreter' };
    }
    const { wish, tool } = this.#mcp.find((open) => open.tool === found.tool)!;
    const asksFirst = tool.needsApproval?.({ name: found.name, arguments: '{}' }) ?? false;
    return { type: 'mcp', server: wish.label, name: found.name, asksFirst };
  }

  /** What the model calls a function of an MCP server. */
  modelName(server: string, name: string): string {
    const tool = this.#mcp.find(({ wish }) => wish.label === server)?.tool;
    return (tool && this.#callables.nameOf(tool, name)) ?? name;
  }

  /** The lists of functions that a history does not have yet. */
  lists(known: ReadonlySet<unknown>): McpListToolsItem[] {
    return this.#mcp
      .filter(({ wish }) => !known.has(wish.label))
      .map(({ wish, functions, error }) => ({
        type: 'mcp_list_tools',
        id: newId('mcpl'),
        server_label: wish.label,
        tools: functions.map(({ name, description = null, parameters = { type: 'object' } }) => ({
          ...{ name, description, input_schema: parameters, annotations: null },
        })),
        ...(error === undefined ? {} : { error }),
      }));
  }

  citations(conversation: string, text: string): readonly Citation[] {
    return this.#wishes.browser?.citations?.(conversation, text) ?? [];
  }

  /** The conversation is over: nobody can go on from it. */
  forget(conversation: string): void {
    for (const tool of this.toolbox) tool.forget?.(conversation);
  }

  /** Ends what was opened for this response. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#mcp.map(({ tool }) => tool.close()));
  }
}

/** A server that cannot say what it offers offers nothing, and its list says why. */
async function openMcp(wish: McpWish, server: ServerTools | undefined, signal: AbortSignal): Promise<OpenMcp> {
  const inner = wish.tool ?? (await server!.openMcp!(wish.address!));
  let functions: readonly ToolFunction[] = [];
  let error: string | undefined;
  try {
    functions = ((await inner.functions?.(signal)) ?? []).filter(({ name }) => wish.isAllowed(name));
  } catch (reason) {
    if (wish.tool === undefined) await inner.close().catch(() => {});
    signal.throwIfAborted();
    error = reason instanceof Error ? reason.message : String(reason);
  }
  const tool: Tool = {
    name: inner.name,
    functions: async () => functions,
    // What the operator wants to be asked about is asked about, whatever the request says.
    needsApproval: (call) => wish.asksFirst(call.name) || (inner.needsApproval?.(call) ?? false),
    call: (request) => inner.call(request),
    forget: (conversation) => inner.forget?.(conversation),
    close: async () => {
      if (wish.tool === undefined) await inner.close();
    },
  };
  return { wish, tool, functions, ...(error === undefined ? {} : { error }) };
}

/** A tool that is asked for as a builtin offers nothing besides. */
function onlyBuiltin(tool: Tool): Tool {
  const { name, builtin } = tool;
  return {
    name,
    ...(builtin === undefined ? {} : { builtin }),
    needsApproval: (call) => tool.needsApproval?.(call) ?? false,
    call: (request) => tool.call(request),
    forget: (conversation) => tool.forget?.(conversation),
    close: async () => {},
  };
}
