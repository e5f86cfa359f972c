/** What the console and the server say to each other. */
export { consoleError } from './errors.ts';
export { approvalBody, nameBody, routingBody, turnBody } from './schema.ts';
export { type ConsoleCaller, type ConsoleService, consoleTurn } from './turn.ts';
export type * from './types.ts';
