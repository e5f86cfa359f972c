/** An MCP server that the user named: a program that is started, or an address. */
export type McpServer = McpProgram | McpAddress;

interface McpCommon {
  /** What the user calls it; the tool is `mcp:<label>`. Letters, digits, `_`, `-` and `.`. */
  readonly label: string;
  /** Default: the one in `McpOptions`. */
  readonly approval?: McpApproval;
}

/** Started as a child process, spoken to over its standard input and output. */
export interface McpProgram extends McpCommon {
  readonly type: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Added to PATH, HOME and what else every program needs. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface McpAddress extends McpCommon {
  /** `auto`: streamable HTTP, and server-sent events (the transport before it) where that is not known. */
  readonly type: 'auto' | 'http' | 'sse';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Which calls a person has to agree to: all of them; all but those of functions that the server says only read; none;
 * all but those of the functions listed.
 */
export type McpApproval = 'always' | 'auto' | 'never' | readonly string[];

export interface McpOptions {
  /** Default `always`. */
  readonly approval?: McpApproval;
  /** What a program writes to its standard error, and what is wrong with a server; a line each. Default: dropped. */
  readonly log?: (line: string) => void;
  /** Milliseconds until a server must have answered; programs may have to be downloaded first. Default 60,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds that a call may take without a sign of progress. Default 120,000; ten times that in all. */
  readonly callTimeoutMs?: number;
  /** What addresses are asked with, where not every address may be reached. Default: the global one. */
  readonly fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Characters of a result that the model gets to read. Default 100,000. */
  readonly maxResultCharacters?: number;
}
