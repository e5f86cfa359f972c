import { OssiaError } from '../../base/index.ts';
import type { DerivedModels, Host } from '../host.ts';
import { json, type Reply } from '../reply.ts';
import { badRequest } from '../validate.ts';
import { modelNotFound } from './errors.ts';
import { findCard, isUnknown, nameOf } from './lending.ts';
import { readModelfile } from './modelfile.ts';
import { presetParameters } from './preset-parameters.ts';
import { progress } from './progress.ts';
import type { CopyBody, CreateBody, NameBody } from './schema.ts';

/** `POST /api/create`: a name for a model with instructions and parameters of its own. */
export async function create(body: CreateBody, host: Host): Promise<Reply> {
  const name = nameOf(body);
  const file = body.modelfile === undefined ? undefined : readModelfile(body.modelfile);
  const { from = file?.from, system = file?.system } = body;
  refuse(body);
  if (!from) throw badRequest('neither "from" nor a modelfile with FROM says which model to make it of', 'from');
  const { parameters, left } = presetParameters({ ...file?.parameters, ...body.parameters });
  const definition = { from, parameters, ...(system === undefined ? {} : { system }) };
  await inOllamasWords(from, () => derivedOf(host).create(name, definition));
  const notes = left.map((parameter) => ({ status: `${parameter} is up to the server, and left out` }));
  return progress(body.stream, [{ status: `using existing layer of ${from}` }, ...notes, { status: 'success' }]);
}

/** What would make another model of it. */
function refuse({ messages, template, quantize, files, adapters }: CreateBody): void {
  const given = { messages, template, quantize, files, adapters };
  for (const [name, value] of Object.entries(given)) {
    const isEmpty = value === undefined || value === '' || Object.keys(value).length === 0;
    if (!isEmpty) throw badRequest(`${name}: a model is made of another's weights, a system text and parameters`, name);
  }
}

/** `POST /api/copy` */
export async function copy({ source, destination }: CopyBody, host: Host): Promise<Reply> {
  await inOllamasWords(source, () => derivedOf(host).copy(source, destination));
  return json({ status: 'success' });
}

/** `DELETE /api/delete`: a derived model, or a model's files. */
export async function remove(body: NameBody, host: Host): Promise<Reply> {
  const name = nameOf(body);
  if (await host.derived?.delete(name)) return json({ status: 'success' });
  const card = await findCard(host, name);
  if (card.from !== undefined) throw badRequest(`${card.name} is another name of ${card.from}, given by the server`);
  if (host.remove === undefined) throw new OssiaError('api/unsupported', 'This server removes no models');
  await inOllamasWords(name, async () => await host.remove?.(card.name));
  return json({ status: 'success' });
}

function derivedOf({ derived }: Host): DerivedModels {
  if (derived) return derived;
  throw new OssiaError('api/unsupported', 'This server keeps no models that are made of others');
}

async function inOllamasWords(name: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw isUnknown(error) ? modelNotFound(name) : error;
  }
}
