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
/** Elements within each other: browsers end the page of a few thousands. A fraction is 8 of them. */
const DEEPEST = 300;
const MOST = 20_000;

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
  let count = 0;
  for (const stack: [Built, number][] = [[tree, 0]]; stack.length > 0; ) {
    const [{ attributes, children }, depth] = stack.pop()!;
    if (depth > DEEPEST || ++count > MOST) throw new RangeError('The formula is too large to be drawn');
    if (attributes?.style !== undefined) {
      attributes[KEPT] = attributes.style;
      delete attributes.style;
    }
    for (const child of children ?? []) stack.push([child, depth + 1]);
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
