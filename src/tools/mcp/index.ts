/** Functions of MCP servers, over stdio, streamable HTTP and server-sent events. */
export { parseMcpArgument } from './argument.ts';
export { type McpConfigOptions, readMcpConfig, readMcpFile } from './config.ts';
export { openMcp } from './tool.ts';
export type { McpAddress, McpApproval, McpOptions, McpProgram, McpServer } from './types.ts';
