import type { ItemStatus } from '../items.ts';

/** What runs here on the model's behalf, as OpenAI's Responses show it. */
export type HostedItem =
  | WebSearchCallItem
  | CodeInterpreterCallItem
  | McpCallItem
  | McpListToolsItem
  | McpApprovalRequestItem;

export interface WebSearchCallItem {
  readonly type: 'web_search_call';
  readonly id: string;
  readonly status: ItemStatus | 'searching' | 'failed';
  readonly action: WebSearchAction;
}

export type WebSearchAction =
  | {
      readonly type: 'search';
      readonly query: string;
      readonly queries: readonly string[];
      /** Only where it was asked for. */
      readonly sources?: readonly { readonly type: 'url'; readonly url: string }[];
    }
  | { readonly type: 'open_page'; readonly url: string | null }
  | { readonly type: 'find_in_page'; readonly url: string; readonly pattern: string };

export interface CodeInterpreterCallItem {
  readonly type: 'code_interpreter_call';
  readonly id: string;
  readonly status: ItemStatus | 'interpreting' | 'failed';
  readonly code: string;
  /** Whose variables and files the program works on. */
  readonly container_id: string;
  /** Null: not asked for. */
  readonly outputs: readonly CodeOutput[] | null;
}

export type CodeOutput =
  | { readonly type: 'logs'; readonly logs: string }
  /** A data URL. */
  | { readonly type: 'image'; readonly url: string };

export interface McpCallItem {
  readonly type: 'mcp_call';
  readonly id: string;
  readonly status: ItemStatus | 'calling' | 'failed';
  readonly server_label: string;
  readonly name: string;
  readonly arguments: string;
  readonly approval_request_id: string | null;
  readonly output: string | null;
  readonly error: McpCallError | null;
}

export interface McpCallError {
  readonly type: 'mcp_tool_execution_error';
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
}

export interface McpListToolsItem {
  readonly type: 'mcp_list_tools';
  readonly id: string;
  readonly server_label: string;
  readonly tools: readonly McpListedTool[];
  readonly error?: string;
}

export interface McpListedTool {
  readonly name: string;
  readonly description: string | null;
  readonly input_schema: unknown;
  readonly annotations: null;
}

export interface McpApprovalRequestItem {
  readonly type: 'mcp_approval_request';
  readonly id: string;
  readonly server_label: string;
  readonly name: string;
  readonly arguments: string;
}

/** What happens to a hosted call, within its item. */
export type HostedEvent =
  | {
      readonly type: `response.${
        | `web_search_call.${'in_progress' | 'searching' | 'completed'}`
        | `code_interpreter_call.${'in_progress' | 'interpreting' | 'completed'}`
        | `mcp_call.${'in_progress' | 'completed' | 'failed'}`
        | `mcp_list_tools.${'in_progress' | 'completed' | 'failed'}`}`;
    }
  | { readonly type: 'response.code_interpreter_call_code.delta'; readonly delta: string }
  | { readonly type: 'response.code_interpreter_call_code.done'; readonly code: string }
  | { readonly type: 'response.mcp_call_arguments.delta'; readonly delta: string }
  | { readonly type: 'response.mcp_call_arguments.done'; readonly arguments: string }
  | {
      readonly type: 'response.output_text.annotation.added';
      readonly content_index: number;
      readonly annotation_index: number;
      readonly annotation: UrlCitation;
    };

export interface UrlCitation {
  readonly type: 'url_citation';
  readonly url: string;
  readonly title: string;
  /** Where it stands in the text, in characters (code points); the end is behind it. */
  readonly start_index: number;
  readonly end_index: number;
}
