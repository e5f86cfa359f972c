import type { EndEvent, EngineInfo, GenerateParams, TokenEvent } from '../engine/index.ts';
import type {
  BuiltinName,
  ConstraintNote,
  HistoryRule,
  Message,
  ReasoningEffort,
  RecoveredMessage,
  Repair,
  ResponseFormat,
  ToolChoice,
} from '../harmony/index.ts';

/** One message of a conversation as programs write it. Plain data: a list of these is a history, and saves as JSON. */
export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** Instructions. gpt-oss takes them from its developer message, so `system` and `developer` mean the same here. */
export interface SystemMessage {
  readonly role: 'system' | 'developer';
  readonly content: string;
}

export interface UserMessage {
  readonly role: 'user';
  readonly content: string;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  /** The answer. */
  readonly content?: string;
  /** The thoughts before it. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
  /**
   * What the model really wrote, ids included; it wins over the fields above. Comes with every turn's `end` and keeps the
   * conversation's kept prefix valid.
   */
  readonly harmony?: readonly Message[];
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly content: string;
  /** The call that this answers. Default: the one call that has no answer yet. */
  readonly toolCallId?: string;
  /** The function's name, for a call that is not in the history; also an enabled builtin's, where no function is called so. */
  readonly name?: string;
}

export interface ToolCall {
  readonly id: string;
  /** As declared; a builtin's is its full name, `python`, `browser.search`. */
  readonly name: string;
  /** JSON text, as the model wrote it; for `python` its source. */
  readonly arguments: string;
  /** A builtin was called, not a declared function. */
  readonly builtin?: true;
}

/** A function that the model may call. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments, as an object or as `parseJson` gives it. Absent: takes none. */
  readonly parameters?: unknown;
  /**
   * `true`: a schema that cannot be held exactly is refused. `false`: any JSON object will do. Default: the schema, relaxed
   * where it cannot be held; the turn's `end` says where.
   */
  readonly strict?: boolean;
}

/** How one turn goes: what the model is told, and how its tokens are chosen. */
export interface ChatOptions extends Omit<GenerateParams, 'stopIds' | 'penaltyExempt' | 'constraint'> {
  readonly tools?: readonly ToolDeclaration[];
  /** Tools that the models know from training: they are described to the model, and whoever enables one carries its calls out. */
  readonly builtins?: readonly BuiltinName[];
  /** How hard the model thinks. Default `medium`. */
  readonly effort?: ReasoningEffort;
  /** Who the model is told to be. Default `You are ChatGPT, a large language model trained by OpenAI.` */
  readonly identity?: string;
  /** What the model is told of today, `2026-03-01`. Null: nothing. Default: today, by this machine's clock. */
  readonly date?: string | null;
  /** Null: no line. Default `2024-06`. */
  readonly knowledgeCutoff?: string | null;
  /** The form of the answer: the model is told its schema and held to it. `json_object`: any JSON object, and no word of it. */
  readonly responseFormat?: ResponseFormat | 'json_object';
  /** Whether and what the model calls. Default `auto`. With `required` or a name, the turn ends with a call. */
  readonly toolChoice?: ToolChoice;
  /** Tokens of thoughts in this turn, then the model has to speak; 0: none. Default: no limit. */
  readonly maxReasoningTokens?: number;
  /**
   * Tokens kept for the answer, its last one included: when those left by `maxTokens` (or by the context) come down to these and
   * the header before them, thoughts and remarks are closed and the answer begins. Default 0: thoughts may use all of them up.
   */
  readonly reserve?: number;
  /** Whether a thought that repeats itself over and over is closed. Default true; it takes `constrain`. */
  readonly loopDetection?: boolean;
  /** For measurements: free text does not end before `maxTokens`. JSON that is complete does. Default false. */
  readonly ignoreEnd?: boolean;
  /**
   * What becomes of a history that leaves no room for an answer. `disabled`: `chat/context-exceeded`. `auto`: its oldest turns are
   * left out, each whole; instructions and the last turn stay. Default `disabled`.
   */
  readonly truncation?: 'disabled' | 'auto';
  /** Whether tokens that would make the turn malformed are masked. Default true; `false` is for research. */
  readonly constrain?: boolean;
  /** Which past thoughts the model sees again. Default `per-turn`: those of the turn in progress. */
  readonly history?: HistoryRule;
  /** Ends the turn before any of these texts in the answer. */
  readonly stop?: string | readonly string[];
  /** Ends the turn, with what there is so far. */
  readonly signal?: AbortSignal;
  /** When it fires, the thought is closed and the model answers. Nothing without `constrain`. */
  readonly answerNow?: AbortSignal;
  /** Who asks: waiting turns of different clients take turns. Default: one client for all who do not say. */
  readonly client?: string;
}

export type ChatEvent =
  /** With `trace`: what the model was given, and how much of it was kept from before. Comes with the first token. */
  | { readonly type: 'prompt'; readonly ids: readonly number[]; readonly cachedTokens: number }
  /** A piece of the model's thoughts. */
  | { readonly type: 'reasoning'; readonly delta: string }
  /** A piece of text for the user: of the answer (`final`), or of a remark before a call (`commentary`). */
  | { readonly type: 'text'; readonly delta: string; readonly channel: 'final' | 'commentary' }
  /** The text shown since the last `message` was no answer after all: forget it. Rare. */
  | { readonly type: 'retract' }
  /** A piece of a call's arguments. */
  | ({ readonly type: 'tool_call_delta'; readonly delta: string } & Omit<ToolCall, 'arguments'>)
  /** A call is complete. `undeclared`: no function of this name was declared. `incomplete`: its arguments were cut short. */
  | ({ readonly type: 'tool_call'; readonly status: 'complete' | 'incomplete' | 'undeclared' } & ToolCall)
  /** A token as it was sampled, before what it adds to the text. Only where `topLogprobs` is given, be it 0, and with `trace`. */
  | TokenEvent
  /** A message is finished. */
  | { readonly type: 'message'; readonly message: RecoveredMessage }
  | ({ readonly type: 'usage' } & Usage)
  | ChatEnd;

export interface Usage {
  readonly promptTokens: number;
  /** Of the prompt, taken from a kept prefix. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output, thoughts and their headers. */
  readonly reasoningTokens: number;
  /** Tokens that were guessed and computed ahead, and those that came true; where there were any. Not counted in the output. */
  readonly speculation?: NonNullable<EndEvent['speculation']>;
}

export interface ChatEnd {
  readonly type: 'end';
  /** `tool_calls`: the model waits for results. `length`: cut by maxTokens or the context. */
  readonly reason: 'stop' | 'tool_calls' | 'length' | 'cancelled';
  /** The stop text that was met. */
  readonly stop?: string;
  /** What was malformed in the model's output and has been put right. */
  readonly repairs: readonly Repair[];
  /** Why the last thought was closed before the model ended it: its tokens were spent, it went in circles, or `answerNow` fired. */
  readonly reasoningCut?: 'budget' | 'loop' | 'answer_now';
  /** What `truncation: 'auto'` left out of the history. */
  readonly truncated?: { readonly messages: number; readonly tokens: number };
  /** Where a schema could not be held exactly, and what was held instead. Absent when there is nothing to say. */
  readonly notes?: readonly ConstraintNote[];
  /** To append to the history. */
  readonly messages: readonly AssistantMessage[];
  readonly seed: number;
  readonly timing: { readonly queueMs: number; readonly prefillMs: number; readonly decodeMs: number };
}

/** What was loaded, for people and programs. */
export interface ModelInfo extends EngineInfo {
  readonly name: string;
  readonly origin: 'embedded' | 'path' | 'hub' | 'ollama';
}
