/** The server's types, under the names by which the console speaks of them. */
import type { ConsoleEvent, TurnBody, TurnOptions } from '../../../src/api/index.ts';

export type * from '../../../src/api/index.ts';

type EventOf<T extends ConsoleEvent['type']> = Extract<ConsoleEvent, { readonly type: T }>;

export type ChatMessage = TurnBody['messages'][number];
export type AssistantMessage = Extract<ChatMessage, { readonly role: 'assistant' }>;
export type ToolMessage = Extract<ChatMessage, { readonly role: 'tool' }>;
export type ResponseFormat = NonNullable<TurnOptions['responseFormat']>;
export type Usage = EventOf<'usage'>;
export type TurnEnd = EventOf<'end'>;
export type ToolCall = EventOf<'tool_start'>['call'];
export type ToolResult = EventOf<'tool_end'>['result'];
export type ToolAction = NonNullable<ToolResult['action']>;
export type Citation = NonNullable<TurnEnd['citations']>[number];
