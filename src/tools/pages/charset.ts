/**
 * Text of bytes in the charset that they are in: by a byte order mark, the header's `charset`, or, in HTML, what its first
 * 1024 bytes declare. UTF-8 without any of it, Windows-1252 where that fails, as browsers do.
 */
export function decodeText(body: Uint8Array, contentType: string): string {
  const declared = byteOrderMark(body) ?? parameter(contentType) ?? declaration(body);
  const decoder = declared && decoderFor(declared);
  if (decoder) return decoder.decode(body);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return new TextDecoder('windows-1252').decode(body);
  }
}

function byteOrderMark(body: Uint8Array): string | undefined {
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return 'utf-8';
  if (body[0] === 0xff && body[1] === 0xfe) return 'utf-16le';
  if (body[0] === 0xfe && body[1] === 0xff) return 'utf-16be';
  return undefined;
}

function parameter(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1];
}

function declaration(body: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(body.subarray(0, 1024));
  const found =
    /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head) ??
    /^<\?xml[^>]{0,80}?encoding\s*=\s*["']([\w.:-]+)/.exec(head);
  // A declaration that could be read byte by byte cannot be UTF-16.
  return found?.[1]?.toLowerCase().startsWith('utf-16') ? 'utf-8' : found?.[1];
}

function decoderFor(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined; // a charset that nobody knows
  }
}
