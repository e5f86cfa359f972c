import type { AssistantMessage, ChatMessage, ConsoleError, ToolMessage, TurnEnd, Usage } from '../net/types.ts';
import type { Part } from './parts.ts';
import type { Settings } from './settings.ts';

/** A conversation is a tree: what is edited or asked again begins a branch beside what was there. */
export interface UserNode {
  readonly role: 'user';
  readonly id: string;
  /** Null: it begins the conversation. */
  readonly parent: string | null;
  readonly created: number;
  readonly text: string;
}

export interface AssistantNode {
  readonly role: 'assistant';
  readonly id: string;
  readonly parent: string;
  readonly created: number;
  readonly model: string;
  /** The server's name of the turn, as the inspector knows it. */
  readonly turn?: string;
  /** What people see. */
  readonly parts: readonly Part[];
  /** What the model is given of it in later turns. Absent: it was broken off; then its text stands for it. */
  readonly messages?: readonly (AssistantMessage | ToolMessage)[];
  readonly usage?: Usage;
  readonly end?: Omit<TurnEnd, 'messages' | 'type'>;
  readonly error?: ConsoleError;
}

export type TreeNode = UserNode | AssistantNode;

export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly created: number;
  readonly updated: number;
  readonly settings: Settings;
  readonly nodes: Readonly<Record<string, TreeNode>>;
  /** Which child is shown, by its parent; '' for the first message. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** Children of a node in the order in which they came; null: the beginnings. */
export function childrenOf({ nodes }: Conversation, parent: string | null): readonly TreeNode[] {
  return Object.values(nodes)
    .filter((node) => node.parent === parent)
    .sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
}

/** What is shown, from the first message to the last. */
export function pathOf(conversation: Conversation): readonly TreeNode[] {
  const byParent = new Map<string, TreeNode[]>();
  for (const node of Object.values(conversation.nodes)) {
    const key = node.parent ?? '';
    byParent.set(key, [...(byParent.get(key) ?? []), node]);
  }
  const path: TreeNode[] = [];
  for (let key = ''; ; ) {
    const children = byParent.get(key);
    if (!children || path.length > Object.keys(conversation.nodes).length) return path;
    const next = children.find(({ id }) => id === conversation.chosen[key]) ?? newest(children);
    path.push(next);
    key = next.id;
  }
}

function newest(nodes: readonly TreeNode[]): TreeNode {
  return nodes.reduce((last, node) => (node.created >= last.created ? node : last));
}

/** Adds a node, or puts it in its own place again, and shows it. */
export function withNode(conversation: Conversation, node: TreeNode, now = Date.now()): Conversation {
  return {
    ...conversation,
    updated: now,
    nodes: { ...conversation.nodes, [node.id]: node },
    chosen: { ...conversation.chosen, [node.parent ?? '']: node.id },
  };
}

/** The branch beside a node: -1 the one before, 1 the one after. */
export function withBranch(conversation: Conversation, id: string, step: -1 | 1): Conversation {
  const node = conversation.nodes[id];
  if (!node) return conversation;
  const siblings = childrenOf(conversation, node.parent);
  const to = siblings[siblings.findIndex((sibling) => sibling.id === id) + step];
  return to ? { ...conversation, chosen: { ...conversation.chosen, [node.parent ?? '']: to.id } } : conversation;
}

/** Without a node and all that follows from it. */
export function withoutNode(conversation: Conversation, id: string): Conversation {
  const gone = new Set([id]);
  for (let size = 0; size !== gone.size; ) {
    size = gone.size;
    for (const node of Object.values(conversation.nodes))
      if (node.parent !== null && gone.has(node.parent)) gone.add(node.id);
  }
  const keep = <T>(record: Readonly<Record<string, T>>, holds: (key: string, value: T) => boolean) =>
    Object.fromEntries(Object.entries(record).filter(([key, value]) => holds(key, value)));
  return {
    ...conversation,
    nodes: keep(conversation.nodes, (key) => !gone.has(key)),
    chosen: keep(conversation.chosen, (key, value) => !gone.has(key) && !gone.has(value)),
  };
}

/** With a node that was taken away, and all that followed from it, as they were `before`; what came since stays. */
export function withRestored(now: Conversation, before: Conversation, id: string): Conversation {
  const node = before.nodes[id];
  if (!node) return now;
  const { nodes: left } = withoutNode(before, id);
  const gone = Object.entries(before.nodes).filter(([key]) => !Object.hasOwn(left, key));
  const chosen = Object.fromEntries(gone.flatMap(([key]) => (before.chosen[key] ? [[key, before.chosen[key]]] : [])));
  return {
    ...now,
    nodes: { ...now.nodes, ...Object.fromEntries(gone) },
    chosen: { ...chosen, ...now.chosen, [node.parent ?? '']: id },
  };
}

/** What the model is given: the instructions, and the path as far as `last`. */
export function historyOf(conversation: Conversation, last: string): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  const system = conversation.settings.system.trim();
  if (system !== '') messages.push({ role: 'system', content: system });
  const path: TreeNode[] = [];
  for (
    let node = conversation.nodes[last];
    node;
    node = node.parent === null ? undefined : conversation.nodes[node.parent]
  ) {
    path.unshift(node);
  }
  for (const node of path) {
    if (node.role === 'user') messages.push({ role: 'user', content: node.text });
    else if (node.messages) messages.push(...node.messages);
    else if (textOf(node) !== '') messages.push({ role: 'assistant', content: textOf(node) });
  }
  return messages;
}

/** What was said to the person, without thoughts and calls. */
export function textOf(node: TreeNode): string {
  if (node.role === 'user') return node.text;
  return node.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}

/** The first words of a question. */
export function titleOf(text: string): string {
  const line = text.trim().split(/\s+/).join(' ');
  return line.length <= 60 ? line : `${line.slice(0, 60).replace(/\s\S{0,12}$/, '')}…`;
}
