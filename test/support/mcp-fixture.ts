import { spawn } from 'node:child_process';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type ProgressToken,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** A picture of one pixel. */
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const ANY = { type: 'object' } as const;

const TOOLS: readonly Tool[] = [
  {
    name: 'echo',
    description: 'Says it again',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    annotations: { readOnlyHint: true },
  },
  { name: 'echo', description: 'a second one of the same name', inputSchema: ANY },
  { name: 'files.read/text', description: `long ${'x'.repeat(10_000)}`, inputSchema: ANY },
  { name: 'files_read_text', inputSchema: ANY },
  { name: 'bad_schema', inputSchema: { type: 'object', properties: { a: { type: 'no such type' } } } },
  { name: 'big_schema', inputSchema: { type: 'object', description: 'y'.repeat(40_000) } },
  { name: 'task_only', inputSchema: ANY, execution: { taskSupport: 'required' } },
  ...[
    'everything',
    'structured',
    'repeated',
    'picture_flood',
    'fail',
    'refuse',
    'huge',
    'progress',
    'forever',
    'waiting',
  ].map((name) => ({
    name,
    inputSchema: ANY,
  })),
  ...['cancelled', 'change', 'crash', 'garbage', 'flood', 'nonsense', 'family', 'chatter', 'calls', 'environment'].map(
    (name) => ({
      name,
      inputSchema: ANY,
    }),
  ),
];

const PAGE = 5;

/** An MCP server with good and bad manners, made with the official library. */
export function fixtureServer(): Server {
  const server = new Server(
    { name: 'fixture', version: '1' },
    { capabilities: { tools: { listChanged: true }, logging: {} } },
  );
  const state = { calls: 0, waiting: 0, cancelled: 0, tools: [...TOOLS] };
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const from = Number(params?.cursor ?? 0);
    const next = from + PAGE;
    return {
      tools: state.tools.slice(from, next),
      ...(next < state.tools.length ? { nextCursor: `${next}` } : {}),
    };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, _meta }) => {
    state.calls++;
    signal.addEventListener('abort', () => state.cancelled++);
    const run = ACTIONS[params.name];
    if (run === undefined) return text(`${params.name} ${JSON.stringify(params.arguments)}`);
    return run({ server, state, signal, args: params.arguments ?? {}, token: _meta?.progressToken });
  });
  return server;
}

interface Call {
  readonly server: Server;
  readonly state: { calls: number; waiting: number; cancelled: number; tools: Tool[] };
  readonly signal: AbortSignal;
  readonly args: Record<string, unknown>;
  readonly token: ProgressToken | undefined;
}

const ACTIONS: Readonly<Record<string, (call: Call) => CallToolResult | Promise<CallToolResult>>> = {
  echo: ({ args }) => text(`${args.text}`),
  everything: () => ({
    content: [
      { type: 'text', text: 'a text' },
      { type: 'image', mimeType: 'image/png', data: PIXEL },
      { type: 'image', mimeType: 'text/html', data: PIXEL },
      { type: 'audio', mimeType: 'audio/wav', data: PIXEL },
      { type: 'resource', resource: { uri: 'file:///a.txt', text: 'of a file' } },
      { type: 'resource', resource: { uri: 'file:///b.png', mimeType: 'image/png', blob: PIXEL } },
      { type: 'resource', resource: { uri: 'file:///c.bin', blob: PIXEL } },
      { type: 'resource_link', uri: 'file:///d.txt', name: 'd', description: 'another file' },
    ],
    structuredContent: { answer: 42 },
  }),
  structured: () => ({ content: [{ type: 'text', text: '{ "answer": 42 }' }], structuredContent: { answer: 42 } }),
  repeated: () => ({ ...text('It says: a long text.'), structuredContent: { content: 'a long text' } }),
  picture_flood: () => ({
    content: Array.from({ length: 20 }, () => ({ type: 'image' as const, mimeType: 'image/png', data: PIXEL })),
  }),
  fail: () => ({ ...text('the disk is full'), isError: true }),
  refuse: () => {
    throw new McpError(ErrorCode.InvalidParams, 'no such thing');
  },
  huge: ({ args }) => text('z'.repeat(Number(args.size))),
  async progress({ server, token }) {
    if (token !== undefined) {
      for (const [progress, message] of [[1, 'one\u001b[31m'] as const, [2, 'two'] as const]) {
        await server.notification({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: 2, message },
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    return text('done');
  },
  forever: ({ signal, state }) => {
    state.waiting++;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
  waiting: ({ state }) => text(`${state.waiting}`),
  cancelled: ({ state }) => text(`${state.cancelled}`),
  calls: ({ state }) => text(`${state.calls}`),
  async change({ server, state }) {
    state.tools = [{ name: 'only_one', inputSchema: ANY }];
    await server.notification({ method: 'notifications/tools/list_changed' });
    return text('changed');
  },
  crash: () => process.exit(3),
  garbage: () => {
    process.stdout.write('this is no JSON\n{"jsonrpc": "1.0"}\n[]\n');
    return text('after the garbage');
  },
  flood: () => {
    const block = 'f'.repeat(1024 * 1024);
    const pour = (): boolean => {
      while (process.stdout.write(block));
      return process.stdout.once('drain', pour) !== undefined;
    };
    pour();
    return new Promise(() => {});
  },
  chatter: () => {
    process.stderr.write('and so on\n'.repeat(10_000));
    return text('enough');
  },
  nonsense: () => ({ content: 'no list' }) as unknown as CallToolResult,
  family: () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    return text(`${process.pid} ${child.pid}`);
  },
  environment: () => text(JSON.stringify({ env: process.env, cwd: process.cwd() })),
};

function text(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}
