/** Ossia over HTTP: routes, models, limits, and one port for all wire formats. Light: the server itself is read with the first start. */
export type { App, RouteGroup } from './app.ts';
export { defaultTools } from './default-tools.ts';
export { isLoopback } from './http/hosts.ts';
export { type ApiKey, apiKey, keyLine, newKey, parseKeyFile } from './http/keys.ts';
export { type Logger, silent } from './log.ts';
export { LOG_LEVELS, type LogLevel, type LogOptions } from './logging/levels.ts';
export * from './machine/index.ts';
export { type McpStdioOptions, serveMcp } from './mcp/index.ts';
export { DEFAULT_HOSTNAME, DEFAULT_PORT, type ServeOptions } from './options.ts';
export type { RunningServer } from './serve.ts';
export { startServer } from './start.ts';
