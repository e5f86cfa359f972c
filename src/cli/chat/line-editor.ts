import { createInterface } from 'node:readline';

/** Lines of one paste arrive within a few milliseconds; nobody types that fast. */
const PASTE_GAP_MS = 20;

/** What came of asking for a message: a text, Ctrl-C (and whether anything had been typed), or the end of the input. */
export type Input =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'interrupt'; readonly wasEmpty: boolean }
  | { readonly type: 'end' };

export interface EditorOptions {
  readonly prompt: string;
  /** Shown before the lines after the first. */
  readonly continuation: string;
  /** Earlier messages for the arrow keys, newest first. */
  readonly history: readonly string[];
  /** What the Tab key may complete a line to. */
  readonly complete: (line: string) => readonly string[];
}

/**
 * Edits one message on the terminal. The terminal is in raw mode only while this runs, so that at other times Ctrl-C is
 * an ordinary signal and nothing can be left broken.
 *
 * A line that ends in a backslash goes on in the next one, and lines that are pasted together stay together.
 */
export function editMessage({ prompt, continuation, history, complete }: EditorOptions): Promise<Input> {
  const editor = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    prompt,
    history: history.map((entry) => entry.replaceAll('\n', ' ')), // the editor edits single lines
    historySize: history.length + 1,
    completer: (line: string) => [[...complete(line)], line],
  });
  return new Promise((resolve) => {
    const lines: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const finish = (input: Input) => {
      clearTimeout(timer);
      editor.off('close', onEnd);
      editor.close();
      resolve(input);
    };
    const onEnd = () => {
      process.stdout.write('\n');
      finish(lines.length > 0 ? { type: 'text', text: lines.join('\n') } : { type: 'end' });
    };
    editor.on('line', (line) => {
      clearTimeout(timer);
      const goesOn = line.endsWith('\\');
      lines.push(goesOn ? line.slice(0, -1) : line);
      if (goesOn) {
        editor.setPrompt(continuation);
        editor.prompt();
        return;
      }
      timer = setTimeout(() => {
        // What is left in the editor is the last line of a paste, without its line feed: it waits for Enter.
        if (editor.line === '') finish({ type: 'text', text: lines.join('\n') });
      }, PASTE_GAP_MS);
    });
    editor.on('SIGINT', () => {
      const wasEmpty = editor.line === '' && lines.length === 0;
      process.stdout.write('^C\n');
      finish({ type: 'interrupt', wasEmpty });
    });
    editor.on('close', onEnd);
    editor.prompt();
  });
}
