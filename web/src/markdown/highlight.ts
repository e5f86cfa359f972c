import { type ComponentChild, h } from 'preact';
import { loadGrammar } from './languages.ts';

interface Hast {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly Hast[];
}

interface Highlighter {
  registered(name: string): boolean;
  register(name: string, grammar: unknown): void;
  highlight(name: string, source: string): Hast;
}

let opening: Promise<Highlighter> | undefined;

/** Code as spans with classes. The highlighter and the grammar are read when they are first needed. */
export async function highlight(source: string, grammar: string): Promise<ComponentChild[]> {
  opening ??= import('lowlight').then(({ createLowlight }) => createLowlight() as unknown as Highlighter);
  const lowlight = await opening;
  if (!lowlight.registered(grammar)) lowlight.register(grammar, await loadGrammar(grammar));
  return vnodesOf(lowlight.highlight(grammar, source).children ?? []);
}

/** The highlighter's tree: texts and spans, nothing else. */
export function vnodesOf(nodes: readonly Hast[]): ComponentChild[] {
  return nodes.map(({ type, value, properties, children = [] }) => {
    if (type === 'text') return value ?? '';
    const names = Array.isArray(properties?.className) ? properties.className.join(' ') : '';
    return h('span', { class: names }, vnodesOf(children));
  });
}
