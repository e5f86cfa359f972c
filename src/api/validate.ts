import type { core, ZodType } from 'zod';
import { OssiaError } from '../base/index.ts';

/**
 * A request body in the shape of its schema; keys that the schema does not know are dropped. Throws `api/bad-request` that
 * names the first wrong parameter (`details.param`, `messages[0].content`). `at`: where in the body this is, `input[0]`.
 */
export function validate<T>(schema: ZodType<T>, body: unknown, at = ''): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = issue ? pathOf(deepest(issue), at) : at;
  const problem = issue ? deepest(issue).message : 'the body is wrong';
  throw badRequest(param === '' ? problem : `${param}: ${problem}`, param);
}

/** `param`: the parameter that is wrong, as a path; empty for the body as a whole. */
export function badRequest(message: string, param = '', cause?: unknown): OssiaError {
  return new OssiaError('api/bad-request', message, {
    details: param === '' ? {} : { param },
    ...(cause === undefined ? {} : { cause }),
  });
}

type Issue = Pick<core.$ZodIssue, 'code' | 'path' | 'message'> & {
  readonly errors?: readonly (readonly core.$ZodIssue[])[];
};

/** Of a union, the complaint of the member that was meant: "expected string" of another member helps nobody. */
function deepest(issue: Issue): Issue {
  const inner = (issue.errors ?? []).flatMap((errors) => errors.map((error) => deepest(error)));
  const best = inner.reduce<Issue | undefined>(
    (nearest, error) => (nearness(error) > (nearest === undefined ? 0 : nearness(nearest)) ? error : nearest),
    undefined,
  );
  return best ? { ...best, path: [...issue.path, ...best.path] } : issue;
}

/** Which member was meant is told first by a value of its type that is too large or too small, then by how far it came. */
function nearness({ code, path }: Issue): number {
  const isOfItsType = code === 'too_big' || code === 'too_small';
  return path.length + (isOfItsType ? 1000 : 0);
}

function pathOf({ path }: Issue, at: string): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    at,
  );
}
