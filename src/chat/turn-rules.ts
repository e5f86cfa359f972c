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
const HELD = ['toolChoice', 'maxReasoningTokens'] as const;

/** Takes the options of a turn to its constraint, and checks them in the caller's thread: nothing is computed for a turn that is refused. */
export class TurnRules {
  readonly #schemas = new SchemaCache();

  /** Throws `harmony/bad-constraint`, and `grammar/unsupported-schema` for a strict schema. */
  of(options: ChatOptions): HeldTurn {
    const { constrain = true } = options;
    if (typeof constrain !== 'boolean') {
      throw bad('constrain', `Expected constrain to be true or false, got ${JSON.stringify(constrain)}`);
    }
    if (constrain) {
      const constraint = constraintOf(options);
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
function constraintOf({
  tools = [],
  toolChoice,
  maxReasoningTokens,
  responseFormat,
}: ChatOptions): TurnConstraintOptions {
  return {
    tools: tools.map(({ name, parameters, strict }) => ({
      name,
      ...(parameters === undefined ? {} : { parameters: toPlainJson(parameters) }),
      ...(strict === undefined ? {} : { strict }),
    })),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(maxReasoningTokens === undefined ? {} : { maxReasoningTokens }),
    ...(responseFormat === undefined ? {} : { responseFormat: answerFormat(responseFormat) }),
  };
}

function answerFormat(format: NonNullable<ChatOptions['responseFormat']>): AnswerFormat {
  if (format === 'json_object') return { type: 'json_object' };
  const { schema, strict } = format;
  return { type: 'json_schema', schema: toPlainJson(schema), ...(strict === undefined ? {} : { strict }) };
}
