import type { Links } from './links.ts';
import type { TextWriter } from './text-writer.ts';

/** What is used of a document here; linkedom's own types ask for the whole DOM. */
export interface HtmlNode {
  readonly nodeType: number;
  readonly localName?: string;
  readonly parentNode: HtmlNode | null;
  readonly firstChild: HtmlNode | null;
  readonly nextSibling: HtmlNode | null;
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
}

const elementNode = 1;
const textNode = 3;

interface Visitor {
  /** Whether to go into it. */
  enter(node: HtmlNode): boolean;
  leave(node: HtmlNode): void;
}

/** Without recursion, so that no depth is too deep. */
function walk(root: HtmlNode, { enter, leave }: Visitor): void {
  let node = root;
  for (;;) {
    const child = enter(node) ? node.firstChild : null;
    if (child) {
      node = child;
      continue;
    }
    leave(node);
    while (node !== root && !node.nextSibling) {
      node = node.parentNode!;
      leave(node);
    }
    if (node === root) return;
    node = node.nextSibling!;
  }
}

const unseen = new Set(
  'head title script style noscript template svg iframe object embed canvas audio video select option textarea input'.split(
    ' ',
  ),
);

function isHidden(node: HtmlNode): boolean {
  if (node.nodeType !== elementNode) return false;
  if (unseen.has(node.localName!) || node.hasAttribute('hidden')) return true;
  return /display\s*:\s*none/i.test(node.getAttribute('style') ?? '');
}

const blocks = new Set(
  (
    'address article aside blockquote center dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'header hgroup main menu nav ol p section summary table tbody tfoot thead ul caption'
  ).split(' '),
);
/** Blocks that stand close to each other. */
const close = new Set(['dd', 'dt', 'tbody', 'tfoot', 'thead', 'div', 'figcaption']);

/** Writes what people see of a part of a document. */
export function writeHtml(root: HtmlNode, writer: TextWriter, links: Links): void {
  /** Where the links and rows begin that are open, innermost last. */
  const marks: number[] = [];
  const counters: (number | undefined)[] = [];
  let images = 0;

  const enter = (node: HtmlNode): boolean => {
    if (node.nodeType === textNode) writer.words(node.textContent!);
    if (node.nodeType !== elementNode || isHidden(node)) return false;
    const name = node.localName!;
    if (blocks.has(name)) breakFor(name);
    switch (name) {
      case 'a':
        writer.beginTight();
        marks.push(writer.mark());
        break;
      case 'br':
        writer.endLine();
        break;
      case 'hr':
        writer.endBlock();
        writer.raw('---');
        writer.endBlock();
        break;
      case 'img': {
        const alt = node.getAttribute('alt')?.trim();
        if (alt) writer.words(` [Image ${images++}: ${alt.slice(0, 300)}] `);
        return false;
      }
      case 'math': {
        const source = node.getAttribute('alttext');
        writer.words(source ? ` $${source}$ ` : (node.textContent ?? ''));
        return false;
      }
      case 'pre':
        writer.endBlock();
        writer.preformatted(node.textContent ?? '');
        writer.endBlock();
        return false;
      case 'ol':
        counters.push(Number(node.getAttribute('start') ?? 1) || 1);
        break;
      case 'ul':
      case 'menu':
        counters.push(undefined);
        break;
      case 'li':
        beginItem();
        break;
      case 'blockquote':
        writer.indent('> ');
        break;
      case 'sup':
        writer.raw('^{');
        break;
      case 'sub':
        writer.raw('_{');
        break;
      case 'tr':
        writer.endLine();
        marks.push(writer.mark());
        writer.beginTight();
        break;
      default:
        if (headingLevel(name)) {
          writer.endBlock();
          writer.raw(`${'#'.repeat(headingLevel(name))} `);
          writer.beginTight();
        }
    }
    return true;
  };

  const leave = (node: HtmlNode): void => {
    if (node.nodeType !== elementNode || isHidden(node)) return;
    const name = node.localName!;
    switch (name) {
      case 'a': {
        writer.endTight();
        const text = writer.takeSince(marks.pop()!).replaceAll(/(^|\s)#{1,6} /g, '$1');
        const href = node.getAttribute('href');
        writer.raw(href === null ? text : leadingSpace(text) + links.show(text, href.trim()) + trailingSpace(text));
        break;
      }
      case 'ol':
      case 'ul':
      case 'menu':
        counters.pop();
        break;
      case 'li':
      case 'blockquote':
        writer.outdent();
        break;
      case 'sup':
      case 'sub':
        writer.raw('}');
        break;
      case 'td':
      case 'th':
        writer.raw(' | ');
        break;
      case 'tr':
        writer.endTight();
        writer.raw(cells(writer.takeSince(marks.pop()!)));
        writer.endLine();
        break;
      default:
        if (headingLevel(name)) {
          writer.endTight();
          writer.endBlock();
        }
    }
    if (blocks.has(name)) breakFor(name);
  };

  const breakFor = (name: string) => {
    const inside = (name === 'ul' || name === 'ol' || name === 'menu') && counters.length > 0;
    if (close.has(name) || inside) writer.endLine();
    else writer.endBlock();
  };

  const beginItem = () => {
    const count = counters.at(-1);
    if (count !== undefined) counters[counters.length - 1] = count + 1;
    const marker = count === undefined ? '* ' : `${count}. `;
    writer.indent('  ', `  ${marker}`);
  };

  walk(root, { enter, leave });
}

function headingLevel(name: string): number {
  return /^h[1-6]$/.test(name) ? Number(name[1]) : 0;
}

function cells(row: string): string {
  return row.replace(/(?:\s*\|\s*)+$/, '').replaceAll(/\s*\|\s*/g, ' | ');
}

function leadingSpace(text: string): string {
  return text.startsWith(' ') ? ' ' : '';
}

function trailingSpace(text: string): string {
  return text.endsWith(' ') ? ' ' : '';
}

/** Characters of text that people see. */
export function visibleLength(root: HtmlNode): number {
  let length = 0;
  walk(root, {
    enter: (node) => {
      if (node.nodeType === textNode) length += node.textContent!.trim().length;
      return !isHidden(node);
    },
    leave: () => {},
  });
  return length;
}
