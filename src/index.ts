/**
 * Ossia as a library: run gpt-oss models on this machine.
 *
 *     import { load } from 'ossia';
 *
 *     await using model = await load('ossia-nano');
 *     for await (const event of model.chat('What can you do?')) {
 *       if (event.type === 'text') process.stdout.write(event.delta);
 *     }
 */

// One block a folder, in the order of the ladder; biome would sort them away from their comments.
// biome-ignore-start assist/source/organizeImports: see above

/** Serve models over HTTP, to the clients of other people's APIs. */
export {
  type ApiKey,
  apiKey,
  defaultTools,
  type Logger,
  type LogOptions,
  type RunningServer,
  type ServeOptions,
  startServer,
} from './server/index.ts';

/** Test any server against what real clients need of it. */
export {
  type ApiName,
  type ApiReport,
  type CheckResult,
  type ConformOptions,
  type ConformReport,
  conform,
} from './conform/index.ts';

/** Talk to a model: load it by name, run turns, keep a conversation going. */
export {
  type ActCall,
  type ActEnd,
  type ActEvent,
  type ActOptions,
  type Approval,
  act,
  type AssistantMessage,
  type ChatEnd,
  type ChatEvent,
  type ChatMessage,
  type ChatOptions,
  LoadedModel,
  type LoadOptions,
  load,
  type ModelInfo,
  openTokenizer,
  type PromptOptions,
  type SavedSession,
  Session,
  type SessionEvent,
  type SessionOptions,
  type SystemMessage,
  type ToolCall,
  type ToolDeclaration,
  type ToolMessage,
  toConversation,
  type Usage,
  type UserMessage,
} from './chat/index.ts';

/** Tools that models call and Ossia carries out: for `act`, a session's toolbox, and `startServer`. */
export {
  type Browser,
  type BrowserOptions,
  brave,
  type Citation,
  exa,
  type McpOptions,
  type McpServer,
  openBrowser,
  openCorpus,
  openMcp,
  openPatch,
  openPython,
  type PatchOptions,
  parseMcpArgument,
  type Python,
  type PythonOptions,
  readMcpConfig,
  readMcpFile,
  type SearchProvider,
  searxng,
  type Tool,
  type ToolAction,
  type ToolFunction,
  type ToolRequest,
  type ToolResult,
  youCom,
} from './tools/index.ts';

/** Token ids in, token ids out: the engine under `load`, for programs that bring their own prompts or constraints. */
export {
  allowToken,
  type Constraint,
  type ConstraintFactory,
  type EndEvent,
  type Engine,
  type EngineInfo,
  type EngineOptions,
  type EngineStats,
  type GenerateEvent,
  type GenerateParams,
  LocalEngine,
  openEngine,
  type SubmitOptions,
  startEngine,
  type OpenConstraints,
  type TokenEvent,
  type TokenMask,
} from './engine/index.ts';

/** Conversations ↔ token ids in OpenAI's Harmony format: render, parse as the official library does, recover what is malformed. */
export {
  answerMessage,
  builtinResultMessage,
  type AnswerFormat,
  builtinTools,
  type ConstraintNote,
  type Conversation,
  conversationFromJson,
  developerMessage,
  functionCallMessage,
  functionResultMessage,
  type Message,
  messageToJson,
  OfficialParser,
  parse,
  parseJson,
  type RecoveredMessage,
  RecoveringParser,
  type RenderOptions,
  type Repair,
  reasoningMessage,
  recover,
  render,
  renderText,
  repairs,
  selectHistory,
  stopIds,
  stringifyJson,
  systemMessage,
  type ToolChoice,
  toPlainJson,
  TurnConstraint,
  type TurnConstraintOptions,
  TurnConstraints,
  type TurnEvent,
  userMessage,
} from './harmony/index.ts';

/** Inside the model: its configuration and weights, its logits, and which experts each token asks. */
export {
  checkModel,
  evaluate,
  type LayerRouting,
  loadModel,
  type Model,
  type ModelConfig,
  readConfig,
  routing,
} from './model/index.ts';

/** Text ↔ token ids: o200k_harmony, or the tokenizer that a model brings. */
export {
  o200kHarmony,
  type Tokenizer,
  tokenizerFromGguf,
  tokenizerFromJson,
  tokenizerFromTiktoken,
} from './tokenizer/index.ts';

/** Models on disk: find, list, pull and open them, and look at their tensors. */
export {
  type Checkpoint,
  type FileTensor,
  listModels,
  openCheckpoint,
  type PullEvent,
  type PullOptions,
  pull,
  type ResolvedModel,
  type ResolveOptions,
  removeModel,
  resolveModel,
  type StoredModel,
  type StoreOptions,
  storeOptionsFromEnvironment,
  verifyCheckpoint,
} from './checkpoint/index.ts';

/** What computes: `cpu` or `reference`. */
export { type Backend, type BackendName, openBackend } from './backends/index.ts';

/** Every error that Ossia raises on purpose, and the table of its codes. */
export { OssiaError, type ProblemCode, problems } from './base/index.ts';
// biome-ignore-end assist/source/organizeImports: see above
