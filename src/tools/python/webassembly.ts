/** What is used of WebAssembly here: the types of Node do not know it. */
interface WebAssemblyApi {
  readonly Memory: { readonly prototype: Memory };
  instantiate(bytes: Uint8Array, imports: unknown): Promise<unknown>;
  instantiateStreaming(response: unknown, imports: unknown): Promise<unknown>;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
