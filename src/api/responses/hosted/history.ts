import type { ToolCall } from '../../../chat/index.ts';
import { builtinCallMessage, functionCallMessage, type Message } from '../../../harmony/index.ts';
import type { HistoryItem } from '../history.ts';
import { textOf } from '../input.ts';

/** What the model calls the functions of MCP servers now. */
export interface HostedNames {
  modelName(server: string, name: string): string;
}

/** A call that ran on the server, as the model made it. Undefined: the item does not say enough. */
export function hostedCall({ item, exact }: HistoryItem, names: HostedNames | undefined): ToolCall | undefined {
  const { id, type } = item;
  if (exact?.recipient !== undefined) {
    const isFunction = exact.recipient.startsWith('functions.');
    const name = exact.recipient.replace(/^functions\./, '');
    return { id, name, arguments: textOf(exact.content), ...(isFunction ? {} : { builtin: true }) };
  }
  if (type === 'code_interpreter_call') {
    return typeof item.code === 'string' ? { id, name: 'python', arguments: item.code, builtin: true } : undefined;
  }
  if (type === 'web_search_call') return undefined; // what was found is in no item
  const [server, name] = [String(item.server_label), String(item.name)];
  return { id, name: names?.modelName(server, name) ?? name, arguments: String(item.arguments) };
}

/** The call as a message, for items whose own words are not known. */
export function hostedMessage({ name, arguments: args, builtin }: ToolCall): Message {
  return builtin ? builtinCallMessage(name, args) : functionCallMessage(name, args);
}

/** What the model was given back for a call. */
export function hostedResult({ item, exact }: HistoryItem): string {
  if (exact?.result !== undefined) return exact.result;
  const { output, error, outputs } = item;
  if (typeof output === 'string') return output;
  if (Array.isArray(outputs)) return logsOf(outputs);
  if (typeof error === 'string') return error;
  if (typeof error === 'object' && error !== null) return textOf({ content: '', ...error }.content);
  return '[The result is not kept.]';
}

function logsOf(outputs: readonly unknown[]): string {
  return outputs
    .map((output) => (typeof output === 'object' && output !== null && 'logs' in output ? String(output.logs) : ''))
    .filter((logs) => logs !== '')
    .join('\n');
}
