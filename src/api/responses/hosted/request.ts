import { z } from 'zod';
import type { ActOptions } from '../../../chat/index.ts';
import type { McpServer, Tool } from '../../../tools/index.ts';
import { badRequest, validate } from '../../validate.ts';
import type { Note } from '../response.ts';
import type { PromptBody } from '../schema.ts';

/** What a server carries out for those who ask for it. */
export interface ServerTools {
  /** A `browser` is for `web_search`, a `python` for `code_interpreter`, those called `mcp:<label>` for `mcp` of that label. */
  readonly tools: readonly Tool[];
  /** Opens an MCP server that a request names by its address; rejects where that is not allowed. Absent: none is offered. */
  readonly openMcp?: (server: McpAddress) => Promise<Tool>;
  readonly limits?: Pick<ActOptions, 'maxSteps' | 'callTimeoutMs' | 'actTimeoutMs'>;
}

/** An MCP server at an address. */
export type McpAddress = Extract<McpServer, { readonly url: string }>;

type Filter = { readonly tool_names?: readonly string[] | null | undefined } | null | undefined;

/** An `mcp` tool of a request. */
export interface McpWish {
  readonly label: string;
  /** A server that a request brings along. */
  readonly address?: McpAddress;
  /** A server that the operator has named. */
  readonly tool?: Tool;
  isAllowed(name: string): boolean;
  asksFirst(name: string): boolean;
}

/** MCP servers of one request at most: each is a connection to elsewhere. */
const MAX_SERVERS = 16;

const SEARCH = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;

const names = z.array(z.string()).nullish();
const filter = z.looseObject({ tool_names: names }).nullish();
const mcpSchema = z.looseObject({
  server_label: z.string().regex(/^[\w.-]{1,64}$/, 'expected letters, digits, "_", "-" and "."'),
  server_url: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  authorization: z.string().nullish(),
  allowed_tools: z.union([z.array(z.string()), z.looseObject({ tool_names: names })]).nullish(),
  require_approval: z.union([z.enum(['always', 'never']), z.looseObject({ always: filter, never: filter })]).nullish(),
});

/** The tools of a request that run here, where the server has them. What it has not is accepted and not offered. */
export interface HostedWishes {
  readonly browser: Tool | undefined;
  readonly python: Tool | undefined;
  readonly mcp: readonly McpWish[];
  /** The container that `code_interpreter` names, if it names one. */
  readonly container: string | undefined;
  readonly notes: readonly Note[];
}

type Chosen = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Throws `api/bad-request` for an MCP server that is described wrongly. */
export function readWishes(tools: PromptBody['tools'], server: ServerTools | undefined): HostedWishes {
  const asked: readonly Chosen[] = tools ?? [];
  const having = (builtin: 'browser' | 'python') => server?.tools.find((tool) => tool.builtin === builtin);
  const searches = asked.filter((tool) => SEARCH.test(tool.type) && tool.external_web_access !== false);
  const browser = searches.length > 0 ? having('browser') : undefined;
  const interpreter = asked.find(({ type }) => type === 'code_interpreter');
  if (asked.filter(({ type }) => type === 'mcp').length > MAX_SERVERS) {
    throw badRequest(`tools: at most ${MAX_SERVERS} MCP servers`, 'tools');
  }
  const mcp = asked.flatMap((tool, i) => (tool.type === 'mcp' ? readMcp(tool, `tools[${i}]`, server) : []));
  const labels = mcp.map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) throw badRequest(`tools: two MCP servers have the server_label "${twice}"`, 'tools');
  return {
    browser,
    python: interpreter ? having('python') : undefined,
    mcp,
    container: typeof interpreter?.container === 'string' ? interpreter.container : undefined,
    notes: browser === undefined ? [] : searches.flatMap(notesOf),
  };
}

/** Which of them a choice means: `browser`, `python`, a function of an MCP server, or any of one (null). */
export function matchWish({ browser, python, mcp }: HostedWishes, choice: Chosen): string | null | undefined {
  if (SEARCH.test(choice.type)) return browser && 'browser';
  if (choice.type === 'code_interpreter') return python && 'python';
  const isThere = choice.type === 'mcp' && mcp.some(({ label }) => label === choice.server_label);
  if (!isThere) return undefined;
  return typeof choice.name === 'string' ? choice.name : null;
}

/** Only those that a list of allowed tools names. */
export function onlyAllowed(wishes: HostedWishes, allowed: readonly Chosen[]): HostedWishes {
  const isNamed = (test: (type: string) => boolean) => allowed.some(({ type }) => test(type));
  const mcp = wishes.mcp.flatMap((wish) => {
    const named = allowed.filter(({ type, server_label }) => type === 'mcp' && server_label === wish.label);
    if (named.length === 0) return [];
    const isChosen = (name: string) => named.some((tool) => typeof tool.name !== 'string' || tool.name === name);
    return [{ ...wish, isAllowed: (name: string) => isChosen(name) && wish.isAllowed(name) }];
  });
  return {
    ...wishes,
    browser: isNamed((type) => SEARCH.test(type)) ? wishes.browser : undefined,
    python: isNamed((type) => type === 'code_interpreter') ? wishes.python : undefined,
    mcp,
  };
}

function readMcp(tool: object, at: string, server: ServerTools | undefined): McpWish[] {
  if (server?.openMcp === undefined && !server?.tools.some(({ name }) => name.startsWith('mcp:'))) return [];
  const given = validate(mcpSchema, tool, at);
  const { server_label: label, server_url: url, headers, authorization } = given;
  const known = server.tools.find(({ name }) => name === `mcp:${label}`);
  const rules = { label, isAllowed: allowedBy(given.allowed_tools), asksFirst: askedBy(given.require_approval) };
  if (!url) return known === undefined ? [] : [{ ...rules, tool: known }];
  if (server.openMcp === undefined) return [];
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw badRequest(
      `${at}.server_url: expected an http or https address, got "${url.slice(0, 80)}"`,
      `${at}.server_url`,
    );
  }
  const authorized = authorization ? { authorization: `Bearer ${authorization}` } : {};
  return [
    { ...rules, address: { label, type: 'auto', url, headers: { ...headers, ...authorized }, approval: 'never' } },
  ];
}

function allowedBy(allowed: readonly string[] | Filter): (name: string) => boolean {
  const list =
    allowed && 'tool_names' in allowed ? allowed.tool_names : (allowed as readonly string[] | null | undefined);
  return (name) => !list || list.includes(name);
}

/** As OpenAI has it: everything asks, unless it says otherwise. */
function askedBy(
  required: 'always' | 'never' | { readonly always?: Filter; readonly never?: Filter } | null | undefined,
) {
  if (required === 'never') return () => false;
  if (!required || required === 'always') return () => true;
  const { always, never } = required;
  return (name: string) => {
    if (always?.tool_names?.includes(name)) return true;
    if (never?.tool_names) return !never.tool_names.includes(name);
    return !always?.tool_names;
  };
}

/** What is asked of a search and not done: the answer may stand on pages that were not wanted. */
function notesOf(tool: Readonly<Record<string, unknown>>): Note[] {
  const filters = tool.filters as { readonly allowed_domains?: unknown } | null | undefined;
  if (!Array.isArray(filters?.allowed_domains) || filters.allowed_domains.length === 0) return [];
  return [{ tool: String(tool.type), path: '/filters/allowed_domains', message: 'all domains are searched' }];
}
