/** Ossia over HTTP: routes, models, limits, and one port for all wire formats. */
export { type App, createApp, type RouteGroup } from './app.ts';
export type { RequestContext, RequestState, ServerContext } from './context.ts';
export { type Logger, silent } from './log.ts';
export { probeRoutes, routeGroups } from './routes/index.ts';
