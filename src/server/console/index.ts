/** The console: its pages, and what it asks of the server. */
export { consolePages } from './pages.ts';
export { isForConsolePage } from './paths.ts';
export { consoleRoutes } from './routes.ts';
export { ConsoleState, type ConsoleStateOptions } from './state.ts';
export { StatsRecorder } from './stats/index.ts';
