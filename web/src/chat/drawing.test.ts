import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repeatsItself } from './drawing.ts';

const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`;

test('a drawing that could show a part of itself many times over is known by it', () => {
  const plain = '<rect width="1"/><text>use it: a pattern</text><linearGradient id="a"/><circle fill="url(#a)"/>';
  assert.equal(repeatsItself(btoa(svg(plain))), false);
  const repeating = [
    '<use href="#a"/>',
    '<x:use xmlns:x="http://www.w3.org/2000/svg"\n href="#a"/>',
    '<pattern id="a">',
    '<image href="a.svg"/>',
    '<rect style="background: url(DATA:image/svg+xml,a)"/>',
    '<rect href="d&#97;ta:a"/>',
    '<!DOCTYPE svg [<!ENTITY a "b">]>',
  ];
  for (const part of repeating) assert.equal(repeatsItself(btoa(svg(part))), true, part);
  const wide = Buffer.from(`\ufeff${svg('<use href="#a"/>')}`, 'utf16le').toString('base64');
  assert.equal(repeatsItself(wide), true);
  assert.equal(repeatsItself('*'), false);
});
