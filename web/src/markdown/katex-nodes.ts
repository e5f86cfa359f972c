/** A node of the tree that KaTeX builds before it makes elements. */
interface Built {
  readonly attributes?: Record<string, string>;
  readonly children?: readonly Built[];
  toNode(): Node;
}

/** What the types of KaTeX do not name. */
export interface Builder {
  __renderToDomTree(source: string, options: object): Built;
}

const KEPT = 'data-style';

/**
 * A formula as elements. KaTeX writes some styles (of roots, arrows, boxes) into attributes, which the page's content security
 * policy refuses: they are set as properties here, which it does not. Throws what KaTeX throws of a formula that is none.
 */
export function formula(katex: Builder, source: string, displayMode: boolean): Node {
  const tree = katex.__renderToDomTree(source, {
    displayMode,
    throwOnError: true,
    trust: false, // no links, pictures, classes or styles that a formula asks for
    strict: 'ignore',
    errorColor: 'currentcolor',
    maxSize: 30,
    maxExpand: 500,
  });
  for (const stack = [tree]; stack.length > 0; ) {
    const { attributes, children } = stack.pop()!;
    if (attributes?.style !== undefined) {
      attributes[KEPT] = attributes.style;
      delete attributes.style;
    }
    if (children) stack.push(...children);
  }
  const node = tree.toNode();
  if (node instanceof Element) {
    for (const element of node.querySelectorAll<HTMLElement | SVGElement>(`[${KEPT}]`)) {
      element.style.cssText = element.getAttribute(KEPT) ?? '';
      element.removeAttribute(KEPT);
    }
  }
  return node;
}
