/**
 * Whether an SVG drawing has what shows one part of it many times over, or what could hide that. A few such references within each
 * other make a thousand million shapes of two kilobytes, on which a browser hangs.
 */
export function repeatsItself(base64: string): boolean {
  return /[<:](?:use|pattern|marker|mask|image|feImage|foreignObject)[\s/>]|<!ENTITY|data:|&#|\\/i.test(textOf(base64));
}

/** All that is looked for is ASCII, which is the same in UTF-8, and in UTF-16 has zeros in between. */
function textOf(base64: string): string {
  try {
    return atob(base64).replaceAll('\0', '');
  } catch {
    return ''; // it shows nothing, whatever it is
  }
}
