/**
 * Something that the model may call and that Ossia carries out: `browser`, `python`, `mcp:files`, `apply_patch`.
 * One object serves all conversations; what belongs to one is kept under its id.
 */
export interface Tool {
  /** What switches it on, and what people read. */
  readonly name: string;
  /** The tool of Harmony's system message that this one carries out. Its calls bear the names `browser.search`, `python`. */
  readonly builtin?: 'browser' | 'python';
  /** What people should know of it besides its functions: `searxng`, `offline: 23 pages`. */
  readonly details?: readonly string[];
  /** Whether what the model gives it may leave this machine, with what people wrote in it. */
  readonly reachesOut?: boolean;
  /** What it offers besides; asked once a turn. Rejects with `tools/…` when it cannot be reached. */
  functions?(signal: AbortSignal): Promise<readonly ToolFunction[]>;
  /** Whether a person has to agree before this call runs. Absent: never. */
  needsApproval?(call: Pick<ToolRequest, 'name' | 'arguments'>): boolean;
  /**
   * Carries one call out. What the model can do better next time (a bad argument, a page that is not there, an exception in its
   * program) is a result with `isError`; it rejects only when the signal fires or the tool itself is broken.
   */
  call(request: ToolRequest): Promise<ToolResult>;
  /** Where citations in an answer point to: those that name what this tool has shown in the conversation. */
  citations?(conversation: string, text: string): readonly Citation[];
  /** A conversation is over: its pages, its Python go. */
  forget?(conversation: string): void;
  close(): Promise<void>;
}

export interface ToolFunction {
  /** Unique in its tool. The model may see it with a prefix. */
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: unknown;
}

export interface ToolRequest {
  /** As the model called it, without what was put before a function's name: `browser.search`, `python`, `read_file`. */
  readonly name: string;
  /** JSON text; for `python` its source. */
  readonly arguments: string;
  /** Which conversation's state it works on. */
  readonly conversation: string;
  readonly signal: AbortSignal;
  /** Called with what there is to see while the call runs: a program's output, a server's progress. */
  readonly progress?: (text: string) => void;
}

export interface ToolResult {
  /** What the model reads. */
  readonly text: string;
  readonly isError?: true;
  /** What people see, and the model does not. */
  readonly images?: readonly ToolImage[];
  /** What was done, for cards and wire formats. */
  readonly action?: ToolAction;
}

export interface ToolImage {
  /** `image/png`, `image/svg+xml` … */
  readonly mediaType: string;
  readonly base64: string;
}

export type ToolAction =
  | { readonly type: 'search'; readonly query: string; readonly results: readonly PageSource[] }
  | { readonly type: 'open_page'; readonly cursor: number; readonly page: PageSource; readonly lines: LineRange }
  | {
      readonly type: 'find_in_page';
      readonly cursor: number;
      readonly page: PageSource;
      readonly pattern: string;
      readonly matches: number;
    }
  | { readonly type: 'code'; readonly source: string; readonly output: string }
  | { readonly type: 'mcp'; readonly server: string; readonly tool: string }
  | { readonly type: 'patch'; readonly files: readonly PatchedFile[] };

export interface PageSource {
  readonly url: string;
  readonly title: string;
}

/** First and last line, counted from 0. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

export interface PatchedFile {
  readonly path: string;
  readonly change: 'add' | 'update' | 'delete' | 'move';
  readonly added: number;
  readonly removed: number;
}

/** Where a citation 【cursor†Lfirst-Llast】 of an answer points to. */
export interface Citation {
  /** As it stands in the text, from `start` to `end` (UTF-16 units). */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly page: PageSource;
  /** The lines that are cited, as the model saw them. */
  readonly lines: LineRange;
  readonly quote: string;
}
