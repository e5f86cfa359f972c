import { typescriptType } from './schema.ts';
import type { DeveloperContent, SystemContent, ToolDescription, ToolNamespace, ToolNamespaces } from './types.ts';

/** The body of a system message: sections apart by a blank line, absent values left out. */
export function systemText(content: SystemContent, hasFunctionTools: boolean): string {
  const identity = [
    content.modelIdentity,
    labelled('Knowledge cutoff', content.knowledgeCutoff),
    labelled('Current date', content.conversationStartDate),
  ].filter((line) => line !== undefined);
  const sections = [
    identity.length > 0 ? identity.join('\n') : undefined,
    labelled('Reasoning', content.reasoningEffort),
    toolsSection(content.tools),
    channelsSection(content.channels, hasFunctionTools),
  ];
  return sections.filter((section) => section !== undefined).join('\n\n');
}

/** The body of a developer message. */
export function developerText(content: DeveloperContent): string {
  const { instructions } = content;
  const sections = [
    instructions === undefined ? undefined : `# Instructions\n\n${instructions}`,
    toolsSection(content.tools),
  ];
  return sections.filter((section) => section !== undefined).join('\n\n');
}

function labelled(label: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${label}: ${value}`;
}

function channelsSection(channels: SystemContent['channels'], hasFunctionTools: boolean): string | undefined {
  if (channels === undefined || channels.valid.length === 0) return undefined;
  const required = channels.required ? ' Channel must be included for every message.' : '';
  const functions = hasFunctionTools ? "\nCalls to these tools must go to the commentary channel: 'functions'." : '';
  return `# Valid channels: ${channels.valid.join(', ')}.${required}${functions}`;
}

function toolsSection(tools: ToolNamespaces | undefined): string | undefined {
  const namespaces = Object.entries(tools ?? {});
  if (namespaces.length === 0) return undefined;
  namespaces.sort(([a], [b]) => compareCodePoints(a, b));
  return ['# Tools', ...namespaces.map(([, namespace]) => namespaceText(namespace))].join('\n\n');
}

function namespaceText({ name, description, tools }: ToolNamespace): string {
  const lines = [`## ${name}\n`];
  if (tools.length === 0) return [...lines, ...linesOf(description)].join('\n');
  lines.push(...commentLines(description), `namespace ${name} {\n`);
  for (const tool of tools) lines.push(...commentLines(tool.description), toolText(tool));
  return [...lines, `} // namespace ${name}`].join('\n');
}

function toolText({ name, parameters }: ToolDescription): string {
  const isNone = parameters === undefined || parameters === null;
  return `type ${name} = (${isNone ? '' : `_: ${typescriptType(parameters)}`}) => any;\n`;
}

function commentLines(text: string | undefined): string[] {
  return linesOf(text).map((line) => `// ${line}`);
}

/** A trailing line break adds no line, and the empty text has none. */
function linesOf(text: string | undefined): string[] {
  if (!text) return [];
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Code point order; JavaScript's own compares UTF-16 units, which puts emoji before U+FFFD. */
function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
