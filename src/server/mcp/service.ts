import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { RequestId, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Host, Turns } from '../../api/index.ts';

/** What the tools are made of. */
export interface McpService {
  readonly host: Host;
  readonly turns: Turns;
  /** Of the package. */
  readonly version: string;
}

/** Who calls. */
export interface McpCaller {
  /** For fairness: a key's name, or an address. */
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
  /** Makes a call known under its id while it runs, for who may cancel it from elsewhere; what it returns says that it is over. */
  enter?(id: RequestId, stop: () => void): () => void;
}

/** What the library hands to the code of a tool. */
export type McpExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;
