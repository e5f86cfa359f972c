import type { ToolList, ToolState } from '../../api/index.ts';
import type { Tool } from '../../tools/index.ts';

/** How long a tool may take to say what it offers. */
const PATIENCE_MS = 5000;

const DESCRIPTIONS: Readonly<Record<ToolState['kind'], string>> = {
  browser: 'Searches, opens pages and finds text in them',
  python: 'Runs Python in a sandbox without network',
  mcp: 'What an MCP server offers',
  patch: 'Reads and changes files in a folder',
};

/** The server's tools as they are now. */
export async function toolList(tools: readonly Tool[]): Promise<ToolList> {
  return { tools: await Promise.all(tools.map(stateOf)) };
}

async function stateOf(tool: Tool): Promise<ToolState> {
  const kind = kindOf(tool);
  const { name, details = [], reachesOut = false } = tool;
  const asksFirst = tool.needsApproval !== undefined;
  const base = { name, kind, description: DESCRIPTIONS[kind], asksFirst, reachesOut };
  try {
    const functions = (await tool.functions?.(AbortSignal.timeout(PATIENCE_MS))) ?? [];
    return { ...base, details: [...details, ...functions.map((one) => one.name)] };
  } catch (error) {
    return { ...base, details, problem: error instanceof Error ? error.message : String(error) };
  }
}

function kindOf({ name, builtin }: Tool): ToolState['kind'] {
  if (builtin !== undefined) return builtin;
  return name.startsWith('mcp:') ? 'mcp' : 'patch';
}
