/** Ossia as an MCP server, over HTTP beside the other wire formats and over the streams of a process. */
import type { McpStdioOptions } from './stdio.ts';

export { mcpRoutes } from './routes.ts';
export type { McpStdioOptions } from './stdio.ts';

/** As `serveMcp` of stdio.ts; what it needs is read when it is called. */
export async function serveMcp(options: McpStdioOptions): Promise<void> {
  const stdio = await import('./stdio.ts');
  await stdio.serveMcp(options);
}
