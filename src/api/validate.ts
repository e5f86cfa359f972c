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

type Issue = Pick<core.$ZodIssue, 'path' | 'message'> & { readonly errors?: readonly (readonly core.$ZodIssue[])[] };

/** Of a union, the complaint of the member that came furthest: "expected string" of another member helps nobody. */
function deepest(issue: Issue): Issue {
  const inner = (issue.errors ?? []).flatMap((errors) => errors.map((error) => deepest(error)));
  const best = inner.reduce<Issue | undefined>(
    (longest, error) => (error.path.length > (longest?.path.length ?? 0) ? error : longest),
    undefined,
  );
  return best ? { ...best, path: [...issue.path, ...best.path] } : issue;
}

function pathOf({ path }: Issue, at: string): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    at,
  );
}
