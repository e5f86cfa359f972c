import { OssiaError } from '../base/index.ts';
import {
  type AnswerFormat,
  type ConstraintNote,
  checkTurn,
  SchemaCache,
  type TurnConstraintOptions,
  toPlainJson,
} from '../harmony/index.ts';
import type { ChatOptions } from './types.ts';

/** What a turn is held to. */
export interface HeldTurn {
  /** For the engine; absent: nothing is held. */
  readonly constraint?: TurnConstraintOptions;
  readonly notes: readonly ConstraintNote[];
}

/** The options of a turn that only a constraint can hold. */
const HELD = ['toolChoice', 'maxReasoningTokens', 'reserve', 'loopDetection', 'ignoreEnd'] as const;

/** Takes the options of a turn to its constraint, and checks them in the caller's thread: nothing is computed for a turn that is refused. */
export class TurnRules {
  readonly #schemas = new SchemaCache();

  /**
   * `room`: the tokens that the context leaves. Throws `harmony/bad-constraint`, and `grammar/unsupported-schema` for a strict
   * schema.
   */
  of(options: ChatOptions, room = Number.POSITIVE_INFINITY): HeldTurn {
    const { constrain = true } = options;
    if (typeof constrain !== 'boolean') {
      throw bad('constrain', `Expected constrain to be true or false, got ${JSON.stringify(constrain)}`);
    }
    if (constrain) {
      const constraint = constraintOf(options, room);
      return { constraint, notes: checkTurn(constraint, this.#schemas) };
    }
    const held = HELD.find((name) => options[name] !== undefined && options[name] !== 'auto');
    if (held !== undefined) throw bad(held, `Cannot hold ${held} while constrain is false`);
    return { notes: [] };
  }
}

function bad(parameter: string, message: string): OssiaError {
  return new OssiaError('harmony/bad-constraint', message, { details: { parameter } });
}

/** As plain data, which schemas from `parseJson` are not: it goes to another thread. */
function constraintOf(options: ChatOptions, room: number): TurnConstraintOptions {
  const { tools = [], builtins = [], responseFormat, maxTokens = Number.POSITIVE_INFINITY } = options;
  const limit = Math.min(maxTokens, room);
  const same = ['toolChoice', 'maxReasoningTokens', 'reserve', 'loopDetection', 'ignoreEnd'] as const;
  return {
    tools: tools.map(({ name, parameters, strict }) => ({
      name,
      ...(parameters === undefined ? {} : { parameters: toPlainJson(parameters) }),
      ...(strict === undefined ? {} : { strict }),
    })),
    ...(builtins.length === 0 ? {} : { builtins }),
    ...Object.fromEntries(same.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
    ...(responseFormat === undefined ? {} : { responseFormat: answerFormat(responseFormat) }),
    ...(Number.isSafeInteger(limit) ? { maxTokens: limit } : {}), // the engine says what is wrong with another
  };
}

function answerFormat(format: NonNullable<ChatOptions['responseFormat']>): AnswerFormat {
  if (format === 'json_object') return { type: 'json_object' };
  const { schema, strict } = format;
  return { type: 'json_schema', schema: toPlainJson(schema), ...(strict === undefined ? {} : { strict }) };
}
