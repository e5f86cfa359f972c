import { newId } from './new-id.ts';
import { settingsFrom } from './settings.ts';
import { type Conversation, pathOf, type TreeNode } from './tree.ts';

const FORMAT = 'ossia-conversation';

/** All branches, to be read again by `fromJson`. */
export function toJson(conversation: Conversation): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, conversation }, null, 2)}\n`;
}

/** The branch that is shown, for people. */
export function toMarkdown(conversation: Conversation): string {
  const parts = pathOf(conversation).map((node) =>
    node.role === 'user' ? `## You\n\n${node.text}` : `## ${node.model}\n\n${answerMarkdown(node)}`,
  );
  return `# ${conversation.title}\n\n${parts.join('\n\n')}\n`;
}

function answerMarkdown({ parts }: Extract<TreeNode, { role: 'assistant' }>): string {
  const blocks = parts.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'reasoning')
      return part.text
        .trim()
        .split('\n')
        .map((line) => `> ${line}`)
        .join('\n');
    const result = part.result ? `\n\n${fenced(part.result.text)}` : '';
    return `**${part.name}**\n\n${fenced(part.arguments)}${result}`;
  });
  return blocks.join('\n\n');
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.trimEnd()}\n${fence}`;
}

/** Reads what `toJson` wrote; throws an Error for people. The conversation gets ids of its own. */
export function fromJson(text: string, id: () => string = newId): Conversation {
  let data: { readonly format?: unknown; readonly conversation?: Partial<Conversation> };
  try {
    data = JSON.parse(text) as typeof data;
  } catch {
    throw new Error('The file is no JSON');
  }
  const { format, conversation: read } = data ?? {};
  if (format !== FORMAT || typeof read !== 'object' || typeof read.nodes !== 'object' || read.nodes === null) {
    throw new Error('The file is no conversation that Ossia exported');
  }
  const ids = new Map(Object.keys(read.nodes).map((old) => [old, id()] as const));
  const nodes: Record<string, TreeNode> = {};
  for (const [old, node] of Object.entries(read.nodes)) {
    if (!isNode(node)) throw new Error(`The message ${old} of the file is damaged`);
    const parent = node.parent === null ? null : ids.get(node.parent);
    if (parent === undefined) throw new Error(`The message ${old} of the file follows one that is not in it`);
    nodes[ids.get(old)!] = { ...node, id: ids.get(old)!, parent } as TreeNode;
  }
  const chosen = Object.entries(read.chosen ?? {}).flatMap(([parent, child]) => {
    const [from, to] = [parent === '' ? '' : ids.get(parent), ids.get(child)];
    return from === undefined || to === undefined ? [] : [[from, to] as const];
  });
  return {
    id: id(),
    title: typeof read.title === 'string' ? read.title.slice(0, 200) : 'Imported conversation',
    created: typeof read.created === 'number' ? read.created : Date.now(),
    updated: Date.now(),
    settings: settingsFrom(read.settings),
    nodes,
    chosen: Object.fromEntries(chosen),
  };
}

function isNode(node: TreeNode): boolean {
  if (typeof node !== 'object' || node === null || typeof node.created !== 'number') return false;
  if (node.role === 'user') return typeof node.text === 'string';
  return (
    node.role === 'assistant' &&
    Array.isArray(node.parts) &&
    typeof node.parent === 'string' &&
    node.parts.every(isPart)
  );
}

function isPart(part: { readonly type?: unknown; readonly text?: unknown; readonly arguments?: unknown }): boolean {
  if (part?.type === 'tool') return typeof part.arguments === 'string';
  return (part?.type === 'text' || part?.type === 'reasoning') && typeof part.text === 'string';
}
