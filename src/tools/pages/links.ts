import { plainText } from './wrap.ts';

/** The links of one page: each address has one number. */
export class Links {
  readonly addresses: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #base: string;
  readonly #host: string;

  /** `base` is what relative links start from, usually the page's own address. */
  constructor(page: string, base = page) {
    this.#base = URL.canParse(base, page) ? new URL(base, page).href : page;
    this.#host = hostOf(page);
  }

  /** A link as the page shows it; just its text when it leads nowhere that can be opened. */
  show(text: string, href: string): string {
    const label = text.replaceAll(/\s+/g, ' ').replaceAll('†', '‡').trim();
    if (label === '' || href.startsWith('#') || !URL.canParse(href, this.#base || undefined)) return label;
    const url = new URL(href, this.#base || undefined);
    if (!openable.has(url.protocol) || this.addresses.length >= maxLinks) return label;
    const host = hostOf(url.href);
    return `【${this.#number(url.href)}†${label}${host === this.#host ? '' : `†${host}`}】`;
  }

  #number(address: string): number {
    const known = this.#numbers.get(address);
    if (known !== undefined) return known;
    this.#numbers.set(address, this.addresses.length);
    return this.addresses.push(address) - 1;
  }
}

/** Links of a page at most: more is no page but a directory of everything. */
const maxLinks = 20_000;

const openable = new Set(['http:', 'https:', 'corpus:']);

function hostOf(address: string): string {
  return URL.canParse(address) ? plainText(new URL(address).host) : '';
}
