/** Tests any server against what the clients that people use need of it. */
export { APIS, type ApiName, type Check } from './check.ts';
export { type ApiReport, type CheckResult, type ConformOptions, type ConformReport, conform } from './run.ts';
export { API_NAMES, resultLines, summaryLines } from './table.ts';
