import { Marked, type Token, type Tokens } from 'marked';
import { type ComponentChild, type ComponentType, h } from 'preact';
import { decodeEntities } from './entities.ts';
import { inlineMath, type MathToken } from './math-syntax.ts';
import { safeHref } from './safe-link.ts';

/** What is drawn by components of the page; all else is plain elements. */
export interface Parts {
  readonly Code: ComponentType<{ readonly source: string; readonly language: string }>;
  readonly Math: ComponentType<{ readonly source: string; readonly display: boolean }>;
  /** `【2†L3-L7】` in a text. */
  readonly Citation: ComponentType<{ readonly text: string }>;
}

/** Deeper nesting is shown as its source. */
const DEEPEST = 24;
const LONGEST = 32_768;

const markdown = new Marked({ gfm: true });
markdown.use({ extensions: [inlineMath] });

/**
 * Markdown as vnodes. HTML in it is text, addresses are links only if they are http(s) or mail, and pictures are links: nothing
 * that a model writes makes the page load or run anything. Never throws: what cannot be read is shown as it stands.
 */
export function renderMarkdown(source: string, parts: Parts, longest = LONGEST): ComponentChild[] {
  if (source.length > longest) return [asItStands(source)];
  try {
    return new Renderer(parts).blocks(markdown.lexer(source), 0);
  } catch {
    return [asItStands(source)]; // nested beyond what the parser's recursion takes
  }
}

function asItStands(source: string): ComponentChild {
  return h('p', { class: 'as-it-stands' }, source);
}

class Renderer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  blocks(tokens: readonly Token[], depth: number): ComponentChild[] {
    if (depth > DEEPEST) return tokens.map(({ raw }) => raw);
    return tokens.map((token) => this.#block(token as Tokens.Generic, depth));
  }

  #block(token: Tokens.Generic, depth: number): ComponentChild {
    switch (token.type) {
      case 'space':
      case 'def':
        return null;
      case 'heading':
        return h(
          `h${Math.min(6, Math.max(3, (token as Tokens.Heading).depth + 1))}`,
          null,
          this.#children(token, depth),
        );
      case 'paragraph':
        return h('p', null, this.#children(token, depth));
      case 'blockquote':
        return h('blockquote', null, this.blocks(token.tokens ?? [], depth + 1));
      case 'list':
        return this.#list(token as Tokens.List, depth);
      case 'code':
        return h(this.#parts.Code, {
          source: (token as Tokens.Code).text,
          language: (token as Tokens.Code).lang ?? '',
        });
      case 'table':
        return this.#table(token as Tokens.Table, depth);
      case 'hr':
        return h('hr', null);
      case 'html':
        return h('p', { class: 'as-it-stands' }, token.raw.trimEnd());
      case 'text':
        return token.tokens ? this.#children(token, depth) : this.#text(token as Tokens.Text);
      default:
        return this.#inline(token, depth);
    }
  }

  #children(token: Tokens.Generic, depth: number): ComponentChild[] {
    if (depth > DEEPEST) return [token.raw];
    return (token.tokens ?? []).map((child) => this.#inline(child as Tokens.Generic, depth + 1));
  }

  #list(list: Tokens.List, depth: number): ComponentChild {
    const items = list.items.map((item) =>
      h(
        'li',
        item.task ? { class: 'task' } : null,
        item.task && !item.tokens.some(({ type }) => type === 'checkbox') ? checkbox(item.checked === true) : null,
        item.loose ? this.blocks(item.tokens, depth + 1) : this.#tight(item.tokens, depth + 1),
      ),
    );
    if (!list.ordered) return h('ul', null, items);
    return h('ol', typeof list.start === 'number' && list.start !== 1 ? { start: list.start } : null, items);
  }

  /** Without paragraphs around the items' texts. */
  #tight(tokens: readonly Token[], depth: number): ComponentChild[] {
    if (depth > DEEPEST) return tokens.map(({ raw }) => raw);
    return tokens.map((token) =>
      token.type === 'paragraph'
        ? this.#children(token as Tokens.Generic, depth)
        : this.#block(token as Tokens.Generic, depth),
    );
  }

  #table({ header, rows }: Tokens.Table, depth: number): ComponentChild {
    const cell = (tag: 'th' | 'td') => (one: Tokens.TableCell) =>
      h(
        tag,
        one.align ? { class: `to-${one.align}` } : null,
        this.#children({ ...one, type: tag, raw: one.text }, depth),
      );
    return h(
      'div',
      { class: 'table', tabIndex: 0, role: 'region', 'aria-label': 'Table' },
      h(
        'table',
        null,
        h('thead', null, h('tr', null, header.map(cell('th')))),
        h(
          'tbody',
          null,
          rows.map((row) => h('tr', null, row.map(cell('td')))),
        ),
      ),
    );
  }

  #inline(token: Tokens.Generic, depth: number): ComponentChild {
    switch (token.type) {
      case 'text':
        return token.tokens ? this.#children(token, depth) : this.#text(token as Tokens.Text);
      case 'escape':
        return decodeEntities((token as Tokens.Escape).text);
      case 'strong':
      case 'em':
      case 'del':
        return h(token.type, null, this.#children(token, depth));
      case 'codespan':
        return h('code', null, (token as Tokens.Codespan).text);
      case 'br':
        return h('br', null);
      case 'link':
        return this.#link(token as Tokens.Link, depth);
      case 'image':
        return picture(token as Tokens.Image);
      case 'math':
        return h(this.#parts.Math, { source: (token as MathToken).source, display: (token as MathToken).display });
      case 'checkbox':
        return checkbox((token as Tokens.Checkbox).checked);
      default:
        return token.raw; // html, and whatever a later version of the parser knows
    }
  }

  #text({ text }: Tokens.Text): ComponentChild[] {
    return decodeEntities(text)
      .split(/(【\d{1,4}†[^【】]{1,40}】)/)
      .map((piece, index) => (index % 2 === 1 ? h(this.#parts.Citation, { text: piece }) : piece));
  }

  #link(token: Tokens.Link, depth: number): ComponentChild {
    const href = safeHref(token.href);
    const children = this.#children(token, depth);
    return href === undefined ? children : link(href, children);
  }
}

function link(href: string, children: ComponentChild): ComponentChild {
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow', title: href }, children);
}

/** Loading it would tell its server who reads this. */
function picture({ href, text }: Tokens.Image): ComponentChild {
  const safe = safeHref(href);
  const label = `Picture: ${decodeEntities(text) || href.slice(0, 80)}`;
  return safe === undefined ? label : link(safe, label);
}

function checkbox(checked: boolean): ComponentChild {
  return h('span', { class: 'box', role: 'img', 'aria-label': checked ? 'done' : 'to do' }, checked ? '☑ ' : '☐ ');
}
