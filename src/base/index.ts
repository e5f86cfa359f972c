/**
 * What every layer may use: errors with a stable code and a next step. Knows nothing of models.
 */
export { OssiaError, type ProblemCode, problems } from './errors.ts';
export { type Memory, readCgroup, readMemory, readText } from './memory.ts';
export { version } from './version.ts';
