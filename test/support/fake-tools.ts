import type { Citation, Tool, ToolFunction, ToolRequest, ToolResult } from '../../src/tools/index.ts';

export interface FakeTool extends Tool {
  /** All that was asked of it. */
  readonly requests: ToolRequest[];
  readonly forgotten: string[];
  isClosed: boolean;
}

/** A tool that answers as it is told to, and says what reached it. */
export function fakeTool(
  name: string,
  answer: (request: ToolRequest) => ToolResult | Promise<ToolResult>,
  more: Partial<Tool> = {},
): FakeTool {
  return {
    name,
    requests: [],
    forgotten: [],
    isClosed: false,
    async call(request) {
      this.requests.push(request);
      return await answer(request);
    },
    forget(conversation) {
      this.forgotten.push(conversation);
    },
    async close() {
      this.isClosed = true;
    },
    ...more,
  };
}

export const page = { url: 'https://example.org/oslo', title: 'Oslo' };

/** Finds one page for everything, shows it, and knows citations of it. */
export function fakeBrowser(): FakeTool {
  return fakeTool(
    'browser',
    ({ name, arguments: args }) => {
      const { query = '', pattern = '' }: { query?: string; pattern?: string } = JSON.parse(args);
      if (name === 'browser.search') {
        return { text: '[0] Search\n【0†Oslo†example.org】', action: { type: 'search', query, results: [page] } };
      }
      if (name === 'browser.find') {
        return {
          text: '[1] Find\nL1: Oslo',
          action: { type: 'find_in_page', cursor: 1, page, pattern, matches: 1 },
        };
      }
      const lines = { first: 0, last: 1 };
      return { text: '[1] Oslo\nL0: Oslo\nL1: 700,000 people', action: { type: 'open_page', cursor: 1, page, lines } };
    },
    { builtin: 'browser', citations: (_conversation, text) => citationsIn(text) },
  );
}

function citationsIn(text: string): Citation[] {
  return [...text.matchAll(/【1†L(\d+)】/gu)].map((match) => {
    const [marker, line] = [match[0], Number(match[1])];
    const place = { start: match.index, end: match.index + marker.length };
    return { text: marker, ...place, page, lines: { first: line, last: line }, quote: '700,000 people' };
  });
}

/** Says what programs print, by their source; a picture comes along. */
export function fakePython(outputs: Readonly<Record<string, string>>): FakeTool {
  return fakeTool(
    'python',
    ({ arguments: source }) => {
      const output = outputs[source] ?? '';
      const images = [{ mediaType: 'image/png', base64: 'iVBORw0KGgo=' }];
      return { text: output, images, action: { type: 'code', source, output } };
    },
    { builtin: 'python' },
  );
}

/** An MCP server's functions. */
export function fakeMcp(label: string, functions: readonly ToolFunction[], more: Partial<Tool> = {}): FakeTool {
  const answer = ({ name, arguments: args }: ToolRequest): ToolResult =>
    name === 'fail' ? { text: 'It broke.', isError: true } : { text: `${label} ${name} ${args}` };
  return fakeTool(`mcp:${label}`, answer, { functions: async () => functions, ...more });
}
