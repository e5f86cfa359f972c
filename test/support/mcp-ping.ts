/** An MCP server of one function that takes nothing, so that any model can call it: `node test/support/mcp-ping.ts`. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'ping', version: '1' });
const inputSchema = z.strictObject({});
server.registerTool('ping', { description: 'Answers.', inputSchema }, () => ({
  content: [{ type: 'text', text: 'pong' }],
}));
await server.connect(new StdioServerTransport());
