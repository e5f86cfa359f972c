import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { problemOf } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import { ask, chatInput, chatOutput } from './chat.ts';
import { countInput, countOutput, countTokens, listModels, modelsOutput } from './models.ts';
import type { McpCaller, McpExtra, McpService } from './service.ts';

/** Milliseconds between two signs of progress. */
const PROGRESS_MS = 250;

const READ_ONLY = { readOnlyHint: true, openWorldHint: false } as const;

/** Ossia as an MCP server: what other programs may ask of its models. It speaks once it is connected to a transport. */
export function createMcpServer(service: McpService, caller: McpCaller): McpServer {
  const server = new McpServer(
    { name: 'ossia', title: 'Ossia', version: service.version },
    { instructions: 'Asks gpt-oss models that run on this machine. Nothing leaves it.' },
  );
  server.registerTool(
    'chat',
    {
      title: 'Ask a model',
      description: 'Asks a gpt-oss model one question, and gives its answer. It remembers nothing of earlier ones.',
      inputSchema: chatInput,
      outputSchema: chatOutput,
      annotations: READ_ONLY,
    },
    (input, extra) =>
      carryOut(caller, extra, async (signal) => {
        const { client } = caller;
        const output = await ask(input, service, { client, signal, progress: reporter(extra, input.max_tokens) });
        return { content: [{ type: 'text', text: output.answer }], structuredContent: output };
      }),
  );
  server.registerTool(
    'list_models',
    {
      title: 'List models',
      description: 'The models on this machine.',
      outputSchema: modelsOutput,
      annotations: { ...READ_ONLY, idempotentHint: true },
    },
    (extra) => carryOut(caller, extra, async () => structured(await listModels(service.host))),
  );
  server.registerTool(
    'count_tokens',
    {
      title: 'Count tokens',
      description: 'How many tokens a question to `chat` has, and how many fit.',
      inputSchema: countInput,
      outputSchema: countOutput,
      annotations: { ...READ_ONLY, idempotentHint: true },
    },
    (input, extra) => carryOut(caller, extra, async (signal) => structured(await countTokens(input, service, signal))),
  );
  return server;
}

/** What goes wrong is a result as well: whoever called can do better next time. */
async function carryOut(
  { signal, enter }: McpCaller,
  extra: McpExtra,
  work: (signal: AbortSignal) => Promise<CallToolResult>,
): Promise<CallToolResult> {
  const stop = new AbortController();
  const leave = enter?.(extra.requestId, () => stop.abort());
  try {
    return await work(AbortSignal.any([signal, extra.signal, stop.signal]));
  } catch (error) {
    const text = error instanceof OssiaError ? problemOf(error).message : 'The server met an error: see its log';
    if (!(error instanceof OssiaError)) extra.signal.throwIfAborted();
    return { content: [{ type: 'text', text }], isError: true };
  } finally {
    leave?.();
  }
}

function structured(output: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
}

/** Tells who wants to know how far a turn is; pieces are a token each, or nearly. */
function reporter(
  { _meta, sendNotification }: McpExtra,
  total: number | undefined,
): (pieces: number, phase: 'thinking' | 'answering') => void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = Number.NEGATIVE_INFINITY;
  return (progress, message) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    const params = { progressToken, progress, message, ...(total === undefined ? {} : { total }) };
    sendNotification({ method: 'notifications/progress', params }).catch(() => {}); // whoever has left hears nothing
  };
}
