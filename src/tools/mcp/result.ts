import { isDeepStrictEqual } from 'node:util';
import type { CallToolResult, ContentBlock, EmbeddedResource } from '@modelcontextprotocol/sdk/types.js';
import type { ToolImage, ToolResult } from '../types.ts';

const MAX_IMAGES = 8;

/** What a call of an MCP server gave: texts for the model, pictures for people. */
export function toResult(
  result: CallToolResult,
  maxCharacters: number,
): Pick<ToolResult, 'text' | 'isError' | 'images'> {
  const images: ToolImage[] = [];
  const texts = result.content.map((block) => textOf(block, images));
  const { structuredContent } = result;
  if (structuredContent !== undefined && !says(texts, structuredContent)) {
    texts.push(JSON.stringify(structuredContent));
  }
  const text = texts.filter((part) => part !== '').join('\n\n');
  return {
    text: text === '' ? '(empty)' : cut(text, maxCharacters),
    ...(result.isError === true ? { isError: true } : {}),
    ...(images.length === 0 ? {} : { images }),
  };
}

/** The beginning of a text, and how much is missing. */
export function cut(text: string, maxCharacters: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= maxCharacters) return whole;
  const beginning = whole.slice(0, maxCharacters).toWellFormed();
  return `${beginning}\n[cut: ${maxCharacters} of ${whole.length} characters]`;
}

function textOf(block: ContentBlock, images: ToolImage[]): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
      return pictureText(block.mimeType, block.data, images);
    case 'audio':
      return `[audio, ${block.mimeType}, ${sizeOf(block.data)}: cannot be heard here]`;
    case 'resource':
      return resourceText(block.resource, images);
    case 'resource_link':
      return [`[${block.title ?? block.name}](${block.uri})`, block.description].filter(Boolean).join(': ');
  }
}

function resourceText(resource: EmbeddedResource['resource'], images: ToolImage[]): string {
  const { uri, mimeType = 'application/octet-stream' } = resource;
  if ('text' in resource) return `${uri}\n${resource.text}`;
  if (mimeType.startsWith('image/')) return `${uri}\n${pictureText(mimeType, resource.blob, images)}`;
  return `${uri}\n[${mimeType}, ${sizeOf(resource.blob)}: not shown]`;
}

function pictureText(mediaType: string, base64: string, images: ToolImage[]): string {
  if (!/^image\/[a-z0-9.+-]{1,40}$/i.test(mediaType)) return '[a picture of an unknown type: not shown]';
  if (images.length >= MAX_IMAGES) return `[picture, ${mediaType}: not shown, there are ${MAX_IMAGES} already]`;
  images.push({ mediaType, base64 });
  return `[picture, ${mediaType}, ${sizeOf(base64)}: people see it, you do not]`;
}

function sizeOf(base64: string): string {
  return `${Math.ceil((base64.length * 3) / 4 / 1024)} KiB`;
}

/** Servers say structured content again as text, for clients that do not know it: as JSON, or in words. */
function says(texts: readonly string[], content: Record<string, unknown>): boolean {
  if (texts.some((text) => isJsonOf(text, content))) return true;
  const values = Object.values(content);
  return values.every((value) => typeof value === 'string' && texts.some((text) => text.includes(value)));
}

function isJsonOf(text: string, content: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(text), content);
  } catch {
    return false;
  }
}
