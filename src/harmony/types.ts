/** A conversation in OpenAI's Harmony format, before rendering and after parsing. */
export interface Conversation {
  readonly messages: readonly Message[];
}

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

export interface Message {
  readonly role: Role;
  /** A tool message's author, `functions.get_weather`; optional elsewhere. */
  readonly name?: string;
  readonly recipient?: string;
  readonly channel?: string;
  /** `<|constrain|>json`, `json`, `code`. */
  readonly contentType?: string;
  readonly content: string | readonly Content[];
  /**
   * The ids that the model sampled for this message: its header (with or without `<|start|>assistant`), its body and its
   * stop token. Rendered as they are when present, so that a kept prefix stays valid; `<|return|>` becomes `<|end|>`.
   */
  readonly sampled?: readonly number[];
}

/** What the parsers give: all text in one string. */
export interface TextMessage extends Message {
  readonly content: string;
}

export type Content = TextContent | SystemContent | DeveloperContent;

export interface TextContent {
  readonly type: 'text';
  readonly text: string;
}

export type ReasoningEffort = 'low' | 'medium' | 'high';

/** An absent field is left out of the text: there are no defaults here. `systemMessage` has them. */
export interface SystemContent {
  readonly type: 'system';
  readonly modelIdentity?: string;
  readonly knowledgeCutoff?: string;
  readonly conversationStartDate?: string;
  readonly reasoningEffort?: ReasoningEffort;
  readonly tools?: ToolNamespaces;
  readonly channels?: { readonly valid: readonly string[]; readonly required: boolean };
}

export interface DeveloperContent {
  readonly type: 'developer';
  readonly instructions?: string;
  readonly tools?: ToolNamespaces;
}

/** By map key; printed in key order under their `name`. */
export type ToolNamespaces = Readonly<Record<string, ToolNamespace>>;

export interface ToolNamespace {
  readonly name: string;
  readonly description?: string;
  readonly tools: readonly ToolDescription[];
}

export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema, as parsed by `parseJson` where number text and key order matter. Absent or null: takes no arguments. */
  readonly parameters?: unknown;
}
