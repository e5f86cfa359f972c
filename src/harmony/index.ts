/** Conversations ↔ token ids in OpenAI's Harmony format: render, parse, recover. Knows nothing of models or sampling. */
export {
  answerMessage,
  builtinCallMessage,
  builtinResultMessage,
  type DeveloperMessageOptions,
  developerMessage,
  functionCallMessage,
  functionResultMessage,
  type ResponseFormat,
  reasoningMessage,
  remarkMessage,
  type SystemMessageOptions,
  systemMessage,
  userMessage,
} from './builders.ts';
export { type BuiltinName, builtinTools } from './builtins.ts';
export { endsInLoop } from './constraint/loop-detector.ts';
export type { AnswerFormat, ConstrainedTool, ToolChoice, TurnConstraintOptions } from './constraint/options.ts';
export { type ConstraintNote, SchemaCache } from './constraint/schemas.ts';
export { checkTurn, TurnConstraint, TurnConstraints } from './constraint/turn-constraint.ts';
export { conversationFromJson, messageToJson, recoveredToJson, renderOptionsFromJson } from './conversation-json.ts';
export { stopIds } from './format.ts';
export { type HistoryRule, selectHistory } from './history.ts';
export {
  JsonNumber,
  type JsonObject,
  type JsonValue,
  parseJson,
  stringifyJson,
  toPlainJson,
} from './json.ts';
export { OfficialParser, type OfficialParserOptions, type OfficialState, parse } from './official-parser.ts';
export type { Channel } from './recovery/channel.ts';
export type { RecoveredMessage, Surface, TurnEvent, TurnFinish } from './recovery/events.ts';
export { JsonScanner } from './recovery/json-scanner.ts';
export { RecoveringParser, type RecoveringParserOptions, recover } from './recovery/parser.ts';
export type { DeclaredTool } from './recovery/recipient.ts';
export { type Repair, type RepairCode, repairs } from './recovery/repairs.ts';
export { type RenderOptions, render, renderText } from './render.ts';
export type * from './types.ts';
