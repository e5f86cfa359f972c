/** The longest valid UTF-8 prefix of some bytes, and what ends it. */
export interface Utf8Prefix {
  readonly validBytes: number;
  /** Length of the invalid run after it; 0 when the bytes end there, perhaps inside a character. */
  readonly invalidBytes: number;
}

/**
 * Splits bytes as Rust's `from_utf8` and the WHATWG decoder do: an invalid run is the longest start of a character, or one
 * byte that can start none.
 */
export function utf8Prefix(bytes: ArrayLike<number>): Utf8Prefix {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0) return { validBytes: at, invalidBytes: 1 };
    for (let i = 1; i < length; i++) {
      const next = bytes[at + i];
      if (next === undefined) return { validBytes: at, invalidBytes: 0 };
      if (!continues(lead, i, next)) return { validBytes: at, invalidBytes: i };
    }
    at += length;
  }
  return { validBytes: at, invalidBytes: 0 };
}

/** The second byte's range depends on the first: no overlong forms, no surrogates, nothing past U+10FFFF. */
function continues(lead: number, index: number, byte: number): boolean {
  if (index > 1) return byte >= 0x80 && byte < 0xc0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0xa0 : lead === 0xf4 ? 0x90 : 0xc0;
  return byte >= low && byte < high;
}

/** Decodes UTF-8, invalid runs as U+FFFD, a byte order mark as the character that it is. */
export function decodeUtf8(bytes: Iterable<number>): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
