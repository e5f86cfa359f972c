import { readFileSync, writeFileSync } from 'node:fs';
import { type ChatMessage, type LoadedModel, Session, type SessionOptions } from '../../index.ts';
import { usage } from '../failure.ts';
import { table } from '../format.ts';
import { readToolsFile } from '../tools-file.ts';

/** A chat as its commands see it. */
export interface Chat {
  readonly model: LoadedModel;
  session: Session<SessionOptions>;
}

interface SlashCommand {
  readonly takes: string;
  readonly about: string;
  /** Does the work and returns what to tell the user. Throws for a bad argument. */
  run(chat: Chat, argument: string): string;
}

const EFFORTS = ['low', 'medium', 'high'] as const;

const commands: Readonly<Record<string, SlashCommand>> = {
  '/help': { takes: '', about: 'list these commands', run: help },
  '/effort': { takes: 'low|medium|high', about: 'how hard the model thinks', run: setEffort },
  '/system': { takes: '[text]', about: 'set the instructions, or take them away', run: setSystem },
  '/tools': { takes: '[file]', about: 'declare the functions of a JSON file, or none', run: setTools },
  '/seed': { takes: '[n]', about: 'choose the same tokens again, or others every time', run: setSeed },
  '/undo': { takes: '', about: 'take back the last message and its answer', run: undo },
  '/clear': { takes: '', about: 'begin anew; instructions and settings stay', run: clear },
  '/save': { takes: 'file', about: 'write the conversation as JSON', run: save },
  '/load': { takes: 'file', about: 'go on with a conversation that was saved', run: loadSession },
  '/exit': { takes: '', about: 'leave; so does Ctrl-D', run: () => '' },
};

/** Whether a message is meant for the program. A path or a regular expression at its start is not. */
export function isSlashCommand(text: string): boolean {
  return /^\/[a-z]+(?:\s|$)/.test(text) && !text.includes('\n');
}

/** Carries out `/name argument`; returns what to tell the user, or `exit`. */
export function runSlashCommand(chat: Chat, text: string): { readonly say: string } | 'exit' {
  const [, name = '', argument = ''] = /^(\S+)\s*(.*)$/.exec(text.trim()) ?? [];
  if (name === '/exit' || name === '/quit' || name === '/bye') return 'exit';
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw usage(`Unknown command ${name}`, '/help lists the commands');
  return { say: command.run(chat, argument) };
}

/** Completions for the Tab key. */
export function completeSlash(line: string): string[] {
  return line.startsWith('/') ? Object.keys(commands).filter((name) => name.startsWith(line)) : [];
}

function help(): string {
  const rows = Object.entries(commands).map(([name, { takes, about }]) => [`${name} ${takes}`.trim(), about]);
  const keys = 'Ctrl-C stops an answer. A line that ends in \\ goes on in the next one.';
  return [...table(rows), '', keys].join('\n');
}

function setEffort({ session }: Chat, argument: string): string {
  if (argument === '') return `effort: ${session.options.effort ?? 'medium'}`;
  const effort = EFFORTS.find((name) => name === argument);
  if (!effort) throw usage(`Cannot set the effort to "${argument}"`, 'Choose low, medium or high');
  session.options = { ...session.options, effort };
  return `effort: ${effort}`;
}

function setSystem({ session }: Chat, content: string): string {
  const others = session.messages.filter(({ role }) => !isInstruction(role));
  session.messages = content === '' ? others : [{ role: 'system', content }, ...others];
  return content === '' ? 'no instructions' : 'instructions set';
}

function setTools({ session }: Chat, file: string): string {
  const { tools: _, ...others } = session.options;
  const tools = file === '' ? [] : readToolsFile(file);
  session.options = { ...others, tools };
  return tools.length === 0 ? 'no functions' : `functions: ${tools.map(({ name }) => name).join(', ')}`;
}

function setSeed({ session }: Chat, argument: string): string {
  const { seed: _, ...others }: SessionOptions = session.options;
  if (argument === '') {
    session.options = others;
    return 'another seed for every answer';
  }
  const seed = /^\d+$/.test(argument) ? Number(argument) : Number.NaN;
  if (!Number.isSafeInteger(seed)) throw usage(`Cannot use "${argument}" as a seed`, 'Choose a whole number');
  session.options = { ...others, seed };
  return `seed: ${seed}`;
}

function undo({ session }: Chat): string {
  return session.undo() ? 'the last message is taken back' : 'there is nothing to take back';
}

function clear({ session }: Chat): string {
  for (const tool of session.options.toolbox ?? []) tool.forget?.(session.conversation);
  session.messages = session.messages.filter(({ role }) => isInstruction(role));
  return 'a new conversation';
}

function save({ session }: Chat, file: string): string {
  if (file === '') throw usage('Cannot save without the name of a file', 'Write /save talk.json');
  if (!isReplaceable(file))
    throw usage(`Cannot save to "${file}": it is there and is no saved conversation`, 'Choose another name');
  try {
    writeFileSync(file, `${JSON.stringify(session)}\n`);
  } catch (cause) {
    throw usage(`Cannot save to "${file}": ${(cause as Error).message}`, 'Choose another name');
  }
  return `saved ${session.messages.length} messages to ${file}`;
}

/** Whether a file may be written over: it is not there, or an earlier save. */
function isReplaceable(file: string): boolean {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return true; // not there, or writing says why not
  }
  return text.startsWith('{"format":"ossia-session/');
}

function loadSession(chat: Chat, file: string): string {
  if (file === '') throw usage('Cannot load without the name of a file', 'Write /load talk.json');
  let saved: unknown;
  try {
    saved = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw usage(`Cannot load "${file}": ${(cause as Error).message}`, 'Name a file that /save wrote');
  }
  chat.session = Session.from<SessionOptions>(saved, chat.model, chat.session.options);
  return `loaded ${chat.session.messages.length} messages from ${file}`;
}

function isInstruction(role: ChatMessage['role']): boolean {
  return role === 'system' || role === 'developer';
}
