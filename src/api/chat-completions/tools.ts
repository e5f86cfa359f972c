import type { ChatOptions, ToolDeclaration } from '../../chat/index.ts';
import { given } from '../sampling.ts';
import { badRequest } from '../validate.ts';
import type { ChatCompletionRequest, ToolChoiceParam } from './schema.ts';

/** The functions of a request and what is to be called, of the current form (`tools`) or of the one before (`functions`). */
export function toTools(request: ChatCompletionRequest): Pick<ChatOptions, 'tools' | 'toolChoice'> {
  const legacy = request.functions ?? [];
  if (legacy.length > 0 && (request.tools ?? []).length > 0) {
    throw badRequest('functions: expected either tools or functions, got both', 'functions');
  }
  const param = legacy.length > 0 ? 'functions' : 'tools';
  const tools = legacy.length > 0 ? legacy.map(toFunction) : (request.tools ?? []).map(toDeclaration);
  checkNames(tools, param);
  if (legacy.length > 0) return withChoice(tools, request.function_call, 'function_call');
  const choice = request.tool_choice;
  return withChoice(
    tools.filter(({ name }) => isAllowed(name, choice)),
    chosen(choice),
    'tool_choice',
  );
}

type FunctionTool = NonNullable<ChatCompletionRequest['functions']>[number];

function toDeclaration(tool: NonNullable<ChatCompletionRequest['tools']>[number]): ToolDeclaration {
  if (tool.type === 'function') return toFunction(tool.function);
  const { name, description, format } = tool.custom;
  return { name, description: customDescription(description, format), parameters: { type: 'string' } };
}

/** OpenAI's `strict: false` is its default and means "as well as you can", which is ours as well: nothing is said. */
function toFunction({ name, description, parameters, strict }: FunctionTool): ToolDeclaration {
  return { name, ...given({ description, parameters, strict: strict === true ? true : undefined }) };
}

type CustomTool = Extract<NonNullable<ChatCompletionRequest['tools']>[number], { type: 'custom' }>['custom'];

/** A grammar is told to the model; `customNotes` says that it is not held. */
function customDescription(description: string | null | undefined, format: CustomTool['format']): string {
  const grammar = format?.type === 'grammar' ? format.grammar : undefined;
  const rule = grammar ? `The input follows this ${grammar.syntax} grammar:\n${grammar.definition}` : '';
  return [description ?? '', rule].filter((text) => text !== '').join('\n\n');
}

/** Which inputs of custom tools are told their grammar but not held to it. */
export function customNotes({ tools }: ChatCompletionRequest): { path: string; message: string; tool: string }[] {
  return (tools ?? []).flatMap((tool) =>
    tool.type === 'custom' && tool.custom.format?.type === 'grammar'
      ? [{ path: '', message: 'the grammar is told to the model, and not held', tool: tool.custom.name }]
      : [],
  );
}

/** Names of custom tools, whose calls look different. */
export function customNames({ tools }: ChatCompletionRequest): ReadonlySet<string> {
  return new Set((tools ?? []).flatMap((tool) => (tool.type === 'custom' ? [tool.custom.name] : [])));
}

function checkNames(tools: readonly ToolDeclaration[], param: string): void {
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw badRequest(`${param}: two of them have the name ${JSON.stringify(name)}`, param);
    names.add(name);
  }
}

type Choice = NonNullable<ChatOptions['toolChoice']>;

function isAllowed(name: string, choice: ToolChoiceParam | null | undefined): boolean {
  if (choice == null || typeof choice === 'string' || choice.type !== 'allowed_tools') return true;
  return choice.allowed_tools.tools.some((tool) => nameOf(tool) === name);
}

function chosen(choice: ToolChoiceParam | null | undefined): Choice | undefined {
  if (choice == null) return undefined;
  if (typeof choice === 'string') return choice;
  if (choice.type === 'allowed_tools') return choice.allowed_tools.mode;
  return { name: nameOf(choice) };
}

type ToolReference = Extract<ToolChoiceParam, { type: 'function' | 'custom' }>;

function nameOf(tool: ToolReference): string {
  return tool.type === 'function' ? tool.function.name : tool.custom.name;
}

function withChoice(
  tools: readonly ToolDeclaration[],
  choice: Choice | null | undefined,
  param: string,
): Pick<ChatOptions, 'tools' | 'toolChoice'> {
  if (choice === 'required' && tools.length === 0) {
    throw badRequest(`${param}: "required" takes at least one tool that may be called`, param);
  }
  if (choice != null && typeof choice === 'object' && !tools.some(({ name }) => name === choice.name)) {
    throw badRequest(`${param}: no tool of this request has the name ${JSON.stringify(choice.name)}`, param);
  }
  if (tools.length === 0) return {};
  return { tools, ...(choice == null ? {} : { toolChoice: choice }) };
}
