import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutNulls } from './tool-schema.ts';

test('keywords that are null are left out, also deep inside; data stays', () => {
  const schema = {
    type: 'object',
    required: null,
    $defs: null,
    properties: {
      required: { type: 'string', enum: null, description: null },
      list: { type: 'array', items: { type: ['string', 'null'], format: null } },
      one: { anyOf: [{ const: null }, { enum: [null, 1], default: null, title: null }] },
      fixed: { const: { required: null } },
    },
    additionalProperties: false,
  };
  assert.deepEqual(withoutNulls(schema), {
    type: 'object',
    properties: {
      required: { type: 'string' },
      list: { type: 'array', items: { type: ['string', 'null'] } },
      one: { anyOf: [{ const: null }, { enum: [null, 1], default: null }] },
      fixed: { const: { required: null } },
    },
    additionalProperties: false,
  });
  assert.deepEqual(withoutNulls({ properties: null }), {});
  assert.equal(withoutNulls(true), true);
});
