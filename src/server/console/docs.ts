import { approvalBody, conversationBody, nameBody, routingBody, turnBody } from '../../api/index.ts';
import type { RouteDoc } from '../openapi/route-doc.ts';

/** What /openapi.json says of the console's paths. */
export const docs: readonly RouteDoc[] = [
  {
    ...post('/ossia/turns', 'A turn of the console, token by token where it is traced'),
    request: turnBody,
    stream: 'sse',
  },
  post('/ossia/turns/:id/stop', 'Ends a running turn with what there is so far'),
  post('/ossia/turns/:id/answer-now', 'Ends the thoughts of a running turn: it answers now'),
  {
    ...post('/ossia/turns/:id/approvals/:callId', 'Says whether a call that waits for a person may run'),
    request: approvalBody,
  },
  {
    ...post('/ossia/conversations/forget', 'Lets go of what tools keep for a conversation'),
    request: conversationBody,
  },
  { ...post('/ossia/render', 'What the model would be given for a turn'), request: turnBody },
  { ...post('/ossia/routing', 'Which experts compute these tokens, layer by layer'), request: routingBody },
  get('/ossia/tools', 'The tools that turns can enable'),
  get('/ossia/models', 'The models here, this machine, and downloads'),
  { ...post('/ossia/models/load', 'Loads a model'), request: nameBody },
  { ...post('/ossia/models/unload', 'Unloads a model once nobody uses it'), request: nameBody },
  { ...post('/ossia/models/pull', 'Begins to download a model'), request: nameBody },
  { ...post('/ossia/models/pull/cancel', 'Ends a download; what has come stays'), request: nameBody },
  get('/ossia/stats', 'What the server does, as samples over time'),
  { ...get('/ossia/stats/live', 'The same, as it happens'), stream: 'sse' },
];

function post(path: string, summary: string): { method: 'post'; path: string; summary: string } {
  return { method: 'post', path, summary };
}

function get(path: string, summary: string): { method: 'get'; path: string; summary: string } {
  return { method: 'get', path, summary };
}
