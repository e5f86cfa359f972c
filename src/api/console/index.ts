/** What the console and the server say to each other. */
export { consoleError, consoleErrorOf } from './errors.ts';
export { renderTurn } from './render.ts';
export { routingOf } from './routing.ts';
export { approvalBody, conversationBody, nameBody, routingBody, turnBody } from './schema.ts';
export { type ConsoleCaller, type ConsoleService, ConsoleTurns } from './turns.ts';
export type * from './types.ts';
