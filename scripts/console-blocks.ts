/** A command of a ```console block, and what the document says it prints. */
export interface DocCommand {
  readonly file: string;
  readonly line: number;
  readonly command: string;
  /** Undefined when the block shows no output: then only the exit code counts. */
  readonly expected: string | undefined;
}

/** Fenced blocks of a markdown text, with the line on which their content begins. */
export function fencedBlocks(markdown: string): { info: string; text: string; line: number }[] {
  const blocks: { info: string; text: string; line: number }[] = [];
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const open = /^\s*```(\S.*)?$/.exec(lines[i]!);
    if (!open) continue;
    const start = i + 1;
    while (++i < lines.length && !/^\s*```\s*$/.test(lines[i]!));
    blocks.push({ info: open[1]?.trim() ?? '', text: lines.slice(start, i).join('\n'), line: start + 1 });
  }
  return blocks;
}

/** Commands of the `console` blocks: a line that begins with `$ `, its continuations (`\` at the end), and the output below it. */
export function consoleCommands(file: string, markdown: string): DocCommand[] {
  return fencedBlocks(markdown)
    .filter(({ info }) => info === 'console')
    .flatMap(({ text, line }) => {
      const commands: DocCommand[] = [];
      const lines = text.split('\n');
      let i = 0;
      while (i < lines.length) {
        if (!lines[i]!.startsWith('$ ')) {
          throw new Error(`${file}:${line + i}: a console block begins with a command: "$ …"`);
        }
        const at = line + i;
        let command = lines[i]!.slice(2);
        while (command.endsWith('\\') && i + 1 < lines.length) command += `\n${lines[++i]!}`;
        const output: string[] = [];
        while (++i < lines.length && !lines[i]!.startsWith('$ ')) output.push(lines[i]!);
        const expected = output.join('\n').trim();
        commands.push({ file, line: at, command, expected: expected === '' ? undefined : expected });
      }
      return commands;
    });
}

/** Whether an output is what the document shows, where `…` stands for anything. */
export function matches(expected: string, actual: string): boolean {
  const pattern = expected
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*');
  return new RegExp(`^${pattern}$`).test(actual.trim());
}
