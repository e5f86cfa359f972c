import type { ActEvent, ToolAction, ToolResult } from '../index.ts';
import { type Channel, printable } from './terminal.ts';

/** Lines of a result that are shown. */
const SHOWN_LINES = 12;

/** Shows what tools do, in dim lines: on a terminal where the answer is shown, elsewhere on standard error. */
export function showSteps(channel: Channel): (event: ActEvent) => void {
  const say = (text: string) => channel.line(channel.dim(printable(text)));
  return (event) => {
    switch (event.type) {
      case 'tool_start':
        channel.freshLine();
        if (!channel.isTerminal) for (const line of started(event.call)) say(line);
        return;
      case 'tool_end':
        channel.freshLine();
        for (const line of ended(event)) say(line);
        return;
    }
  };
}

/** Where the call itself was not shown. */
function started({ name, arguments: text }: Extract<ActEvent, { type: 'tool_start' }>['call']): string[] {
  const lines = text.trim().split('\n');
  return lines.length === 1 ? [`call ${name} ${lines[0]}`] : [`call ${name}`, ...lines.map((line) => `│ ${line}`)];
}

function ended({ result, refused, durationMs, cut, call }: Extract<ActEvent, { type: 'tool_end' }>): string[] {
  const seconds = durationMs >= 1000 ? ` (${(durationMs / 1000).toFixed(1)} s)` : '';
  const pictures = result.images?.length ? [`→ ${result.images.length} pictures, not shown here`] : [];
  const whole = cut === undefined ? [] : ['→ the model was given a part of it: the context has no room for all'];
  if (refused) return [`→ ${call.name} did not run: ${result.text}`];
  if (result.isError) return [...shown(`→ failed${seconds}: ${result.text}`), ...whole];
  const lines = result.action ? acted(result.action, result) : shown(`→ ${result.text}`);
  return [`${lines[0] ?? '→ done'}${seconds}`, ...lines.slice(1), ...pictures, ...whole];
}

function acted(action: ToolAction, { text }: ToolResult): string[] {
  switch (action.type) {
    case 'search': {
      const found = action.results.map(({ title, url }) => `  ${title} ${url}`);
      return [`→ searched "${action.query}": ${found.length} results`, ...found.slice(0, SHOWN_LINES)];
    }
    case 'open_page':
      return [`→ opened ${action.page.title} ${action.page.url}, lines ${action.lines.first} to ${action.lines.last}`];
    case 'find_in_page':
      return [`→ found "${action.pattern}" ${action.matches} times in ${action.page.url}`];
    case 'code':
      return action.output === '' ? ['→ no output'] : ['→ output', ...shown(action.output, '  ')];
    case 'mcp':
      return shown(`→ ${text}`);
    case 'patch':
      return action.files.map(({ change, path, added, removed }) => `→ ${change} ${path} +${added} −${removed}`);
  }
}

function shown(text: string, indent = ''): string[] {
  const lines = text.trimEnd().split('\n');
  const more = lines.length > SHOWN_LINES ? [`  … ${lines.length - SHOWN_LINES} more lines`] : [];
  return [...lines.slice(0, SHOWN_LINES).map((line) => indent + line), ...more];
}
