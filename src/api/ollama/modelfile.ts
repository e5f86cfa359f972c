import type { Preset } from '../preset.ts';
import { badRequest } from '../validate.ts';
import { parameterLines } from './preset-parameters.ts';

/** What a Modelfile may say here. */
export interface Modelfile {
  readonly from?: string;
  readonly system?: string;
  /** By Ollama's names, as they are written; what stands several times is a list. */
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * Reads a Modelfile: `FROM`, `SYSTEM` and `PARAMETER` lines, comments, texts in quotes or triple quotes. Throws
 * `api/bad-request`, also for what would make another model of it (`TEMPLATE`, `ADAPTER`, `MESSAGE`).
 */
export function readModelfile(text: string): Modelfile {
  const file: { from?: string; system?: string } = {};
  const parameters = new Map<string, readonly string[]>();
  for (const { keyword, value } of instructions(text)) {
    switch (keyword) {
      case 'FROM':
        file.from = unquoted(value);
        break;
      case 'SYSTEM':
        file.system = unquoted(value);
        break;
      case 'PARAMETER': {
        const [, name, setting] = /^(\S+)\s+([\s\S]+)$/.exec(value) ?? [];
        if (name === undefined || setting === undefined) throw bad(`PARAMETER ${value} has no value`);
        parameters.set(name, [...(parameters.get(name) ?? []), unquoted(setting)]);
        break;
      }
      case 'LICENSE': // says nothing about answers
        break;
      default:
        throw bad(`${keyword} is not supported here: FROM, SYSTEM and PARAMETER are`);
    }
  }
  const settings = [...parameters].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]);
  return { ...file, parameters: Object.fromEntries(settings) };
}

interface Instruction {
  readonly keyword: string;
  readonly value: string;
}

function* instructions(text: string): Generator<Instruction> {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, keyword, first] = /^([A-Za-z]+)\s+(.+)$/.exec(line) ?? [];
    if (keyword === undefined || first === undefined) throw bad(`line ${at + 1} is no instruction`);
    const value = [first];
    // From one triple quote to the next, over as many lines as it takes.
    while (value.join('\n').split('"""').length === 2) {
      if (++at === lines.length) throw bad(`the text that begins after ${keyword} has no end`);
      value.push(lines[at]!);
    }
    yield { keyword: keyword.toUpperCase(), value: value.join('\n').trim() };
  }
}

function unquoted(value: string): string {
  const [, long] = /^"""([\s\S]*)"""$/.exec(value) ?? [];
  const [, short] = /^"([\s\S]*)"$/.exec(value) ?? [];
  return long ?? short ?? value;
}

function bad(message: string): Error {
  return badRequest(`modelfile: ${message}`, 'modelfile');
}

/** A preset as a Modelfile. */
export function writeModelfile(from: string, { system, parameters }: Preset): string {
  return [
    `FROM ${from}`,
    ...parameterLines(parameters).map((line) => `PARAMETER ${line}`),
    ...(system === undefined ? [] : [`SYSTEM """${system}"""`]),
    '',
  ].join('\n');
}
