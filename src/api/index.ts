/** Other people's wire formats, over `chat`: a validated body in, a reply out. Knows nothing of HTTP but statuses. */

export { anthropicError, countTokensRequest, Messages, messagesRequest } from './anthropic/index.ts';
export {
  type Caller,
  type ChatCompletionRequest,
  chatCompletion,
  chatCompletionRequest,
  type Service,
} from './chat-completions/index.ts';
export { type CompletionRequest, completion, completionRequest } from './completions/index.ts';
export type * from './console/index.ts';
export {
  approvalBody,
  type ConsoleCaller,
  type ConsoleService,
  ConsoleTurns,
  consoleError,
  consoleErrorOf,
  conversationBody,
  nameBody,
  renderTurn,
  routingBody,
  routingOf,
  turnBody,
} from './console/index.ts';
export { openAiError, type Problem, problemOf } from './errors.ts';
export type {
  DerivedModel,
  DerivedModels,
  Host,
  Lease,
  LendOptions,
  ModelCard,
  ModelDescription,
  ModelNeeds,
} from './host.ts';
export { listModels, retrieveModel } from './models.ts';
export * as ollama from './ollama/index.ts';
export { type Preset, type PresetParameters, withPreset } from './preset.ts';
export { type ErrorReply, json, type Reply, type SseEvent } from './reply.ts';
export {
  createSchema as responsesRequest,
  inputTokensSchema as inputTokensRequest,
  MemoryStore,
  type PageOptions as ResponsesPage,
  type ResponseStore,
  Responses,
  type ServerTools,
  type StoredItem,
  type StoredResponse,
  type StreamEvent,
} from './responses/index.ts';
export { type Acting, type TurnObserver, type TurnRequest, Turns, type TurnsOptions } from './turns.ts';
export { badRequest, validate } from './validate.ts';
