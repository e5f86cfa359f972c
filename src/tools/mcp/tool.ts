import { OssiaError } from '../../base/index.ts';
import type { Tool } from '../types.ts';
import type { McpOptions, McpServer } from './types.ts';

/** The functions of an MCP server. Nothing is started or connected before the first turn asks for them. */
export function openMcp(server: McpServer, _options: McpOptions = {}): Tool {
  throw new OssiaError('tools/mcp-unreachable', `Cannot connect to ${server.label}`);
}
