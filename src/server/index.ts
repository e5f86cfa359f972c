/** Ossia over HTTP: routes, models, limits, and one port for all wire formats. */
export { type App, createApp, type RouteGroup } from './app.ts';
export type { Middleware, RequestContext, RequestState, ServerContext } from './context.ts';
export { isLoopback } from './http/hosts.ts';
export { type ApiKey, apiKey, keyLine, newKey, parseKeyFile } from './http/keys.ts';
export { type Logger, silent } from './log.ts';
export { createLogger, LEVELS, type LogLevel, type LogOptions } from './logging/index.ts';
export { DEFAULT_HOSTNAME, DEFAULT_PORT, type ServeOptions } from './options.ts';
export { probeRoutes, routeGroups } from './routes/index.ts';
export { type RunningServer, startServer } from './serve.ts';
