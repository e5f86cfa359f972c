import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FilePatch, PatchError, parsePatch } from './format.ts';
import { applyHunks, type Patched } from './hunks.ts';

function patch(content: string, body: string): Patched {
  const [file] = parsePatch(`*** Begin Patch\n*** Update File: f\n${body}\n*** End Patch`);
  assert.ok(file?.change === 'update');
  return applyHunks(content, file.hunks);
}

test('reads all kinds of sections, and what models put around a patch', () => {
  const text = `*** Begin Patch
*** Add File: hello.txt
+Hello
+
+world
*** Update File: src/app.py
*** Move to: src/main.py
@@ class A
@@ def greet():
 context
-print("Hi")
+print("Hello")

*** Delete File: obsolete.txt
*** End Patch`;
  const expected: readonly FilePatch[] = [
    { change: 'add', path: 'hello.txt', lines: ['Hello', '', 'world'] },
    {
      change: 'update',
      path: 'src/app.py',
      moveTo: 'src/main.py',
      hunks: [
        {
          headers: ['class A', 'def greet():'],
          hint: false,
          lines: [
            { sign: ' ', text: 'context' },
            { sign: '-', text: 'print("Hi")' },
            { sign: '+', text: 'print("Hello")' },
          ],
          atEnd: false,
          line: 8,
        },
      ],
    },
    { change: 'delete', path: 'obsolete.txt' },
  ];
  assert.deepEqual(parsePatch(text), expected);
  assert.deepEqual(parsePatch(text.replaceAll('\n', '\r\n')), expected);
  for (const around of [
    `\n  ${text}\n\n`,
    `\`\`\`diff\n${text}\n\`\`\`\n`,
    `apply_patch <<'EOF'\n${text}\nEOF\n`,
    `<<EOF\n${text}\nEOF`,
  ]) {
    const files = parsePatch(around);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['hello.txt', 'src/app.py', 'obsolete.txt'],
    );
  }
});

test('what is no patch is refused with its line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /must begin with/],
    ['--- a\n+++ b', /must begin with/],
    [
      'I will now change it.\n*** Begin Patch\n*** Delete File: a\n*** End Patch',
      /Nothing may stand around .*I will now/,
    ],
    ['*** Begin Patch\n*** Delete File: a', /must end with .* cut off/],
    ['*** Begin Patch\n*** End Patch', /changes no file/],
    ['*** Begin Patch\n*** Rename File: a\n*** End Patch', /Line 2 .*Rename File: a" is none of/],
    ['*** Begin Patch\n*** Add File: a\nno plus\n*** End Patch', /Line 3 .*must begin with "\+"/],
    ['*** Begin Patch\n*** Add File:  \n*** End Patch', /Line 2 .*no path/],
    ['*** Begin Patch\n*** Update File: a\n*** End Patch', /update of a has no lines/],
    ['*** Begin Patch\n*** Update File: a\n@@\n*** End Patch', /Line 3 .*no lines/],
    ['*** Begin Patch\n*** Update File: a\n@@\nno sign\n*** End Patch', /Line 4 .*"no sign"/],
    ['*** Begin Patch\n*** Update File: a\n-x\n*** End of File\n+y\n*** End Patch', /Line 5 .*must begin with "@@"/],
  ];
  for (const [text, message] of cases) assert.throws(() => parsePatch(text), message, text);
});

test('lines are found exactly, but for whitespace at their end, around them, or typographic signs; it is said which', () => {
  const file = 'def f():  \n\treturn “a”\nend\n';
  const cases: readonly (readonly [string, string, RegExp | undefined])[] = [
    [' def f():  \n-\treturn “a”\n+\treturn b', 'def f():  \n\treturn b\nend\n', undefined],
    [' def f():\n-\treturn “a”\n+\treturn b', 'def f():  \n\treturn b\nend\n', /line 1, but for whitespace at the end/],
    [' def f():\n-    return “a”\n+\treturn b', 'def f():  \n\treturn b\nend\n', /whitespace around/],
    [' def f():\n-\treturn "a"\n+\treturn b', 'def f():  \n\treturn b\nend\n', /typographic/],
  ];
  for (const [body, expected, note] of cases) {
    const { content, notes } = patch(file, body);
    assert.equal(content, expected);
    if (note === undefined) assert.deepEqual(notes, []);
    else assert.match(notes.join(), note);
  }
});

test('headers, one after the other, lead to the place that is meant', () => {
  const file = 'class A\n  def f():\n    x\nclass B\n  def f():\n    x\n';
  assert.equal(patch(file, '@@ class B\n@@   def f():\n-    x\n+    y').content, `${file.slice(0, -6)}    y\n`);
  assert.equal(patch(file, '@@ class B\n@@ def f\n-    x\n+    y').content, `${file.slice(0, -6)}    y\n`);
  assert.equal(patch(file, '@@ class B\n+  z').content, file.replace('class B\n', 'class B\n  z\n'));
  assert.match(patch(file, '-    x\n+    y').notes.join(), /line 3 and at line 6: the first was taken/);
  assert.match(patch(file, '@@ class C\n-    x\n+    y').notes.join(), /"class C", which is nowhere/);
  assert.throws(() => patch(file, '@@ class B\n@@ def g():\n-    x\n+    y'), /no line "def g\(\):" after line 4/);
  assert.equal(patch(file, '@@ -4,3 +4,3 @@ class B\n-    x\n+    y').content, `${file.slice(0, -6)}    y\n`);
  assert.equal(patch(file, '@@ -1,1 +1,1 @@\n-class A\n+class Z').content, file.replace('class A', 'class Z'));
});

test('the end of the file: marked, appended to, with and without a new line', () => {
  assert.equal(patch('a\nb\na\n', ' a\n+c\n*** End of File').content, 'a\nb\na\nc\n');
  assert.equal(patch('a\nb\na', '-a\n+c\n*** End of File').content, 'a\nb\nc');
  assert.equal(patch('a\nb', ' b\n+c').content, 'a\nb\nc');
  assert.equal(patch('a\nb\n', ' b\n+c').content, 'a\nb\nc\n');
  assert.equal(patch('a\nb\n', ' b\n+c\n ').content, 'a\nb\nc\n', 'the last new line as an empty line');
  assert.equal(patch('a\n', '+b').content, 'a\nb\n');
  assert.equal(patch('', '+b').content, 'b\n');
  assert.equal(patch('a\n', '-a').content, '');
  assert.equal(patch('\na\n', '@@\n+b\n\n').content, '\na\nb\n', 'an empty line before the next section is no context');
});

test('CRLF, mixed ends of lines and a byte order mark stay', () => {
  assert.equal(patch('\uFEFFa\r\nb\r\nc', ' a\n-b\n+x\n+y').content, '\uFEFFa\r\nx\r\ny\r\nc');
  assert.equal(patch('a\r\nb\nc\n', ' b\n+x').content, 'a\r\nb\nx\nc\n');
  assert.equal(patch('a\r\nb\r\n', ' a\r\n-b\r\n+x\r').content, 'a\r\nx\r\n');
});

test('several hunks, also in another order; what overlaps is refused', () => {
  const file = '1\n2\n3\n4\n5\n6\n';
  const forth = patch(file, '@@\n-2\n+two\n@@\n 4\n-5\n+five\n+more');
  assert.deepEqual([forth.content, forth.added, forth.removed], ['1\ntwo\n3\n4\nfive\nmore\n6\n', 3, 2]);
  const back = patch(file, '@@\n-5\n+five\n@@\n-2\n+two');
  assert.equal(back.content, '1\ntwo\n3\n4\nfive\n6\n');
  assert.match(back.notes.join(), /hunk 2 .* stands before .* line 2/);
  assert.throws(() => patch(file, '@@\n-2\n-3\n+x\n@@\n-3\n+y'), /Two hunks change line 3/);
});

test('when lines are missing, the hunk and the nearest lines are named', () => {
  const file = 'one\ntwo\nthree\nfunction greet(name) {\n  return 1;\n}\n';
  assert.throws(
    () => patch(file, '@@\n-one\n+1\n@@\n function greet(name) {\n-  return 2;\n+  return 3;'),
    (error: Error) => {
      assert.match(error.message, /hunk 2 \(line 6 of the patch\): these lines are not in the file:\nfunction greet/);
      assert.match(error.message, /nearest lines are 4 to 6:\nfunction greet\(name\) \{\n {2}return 1;\n\}/);
      return true;
    },
  );
  assert.throws(() => patch(file, '-function greet(nom) {\n+x'), /nearest lines are 4 to/);
  assert.throws(() => patch(file, '-§§§\n+x'), /Nothing in its 6 lines is like them/);
  assert.throws(() => patch('', '-a\n+x'), /The file is empty/);
});

test('any change of any file, written as a patch, makes that change', () => {
  const line = fc.string({ maxLength: 12 }).filter((text) => !/[\r\n]/.test(text));
  const change = fc.record({
    lines: fc.array(line, { maxLength: 30 }),
    at: fc.nat(30),
    removed: fc.nat(5),
    added: fc.array(line, { maxLength: 5 }),
    end: fc.constantFrom('\n', '\r\n'),
    closed: fc.boolean(),
  });
  fc.assert(
    fc.property(change, ({ lines, at: wanted, removed, added, end, closed }) => {
      const unique = lines.map((text, index) => `${index}:${text}`);
      if (unique.length === 0) return;
      const at = wanted % unique.length;
      const gone = unique.slice(at, at + removed);
      const before = unique.slice(Math.max(0, at - 3), at);
      const after = unique.slice(at + gone.length, at + gone.length + 3);
      const body = [...before.map((t) => ` ${t}`), ...gone.map((t) => `-${t}`), ...added.map((t) => `+${t}`)];
      const hunk = ['@@', ...body, ...after.map((t) => ` ${t}`)].join('\n');
      if (gone.length + added.length === 0) return;
      const whole = (all: readonly string[]): string => all.join(end) + (closed && all.length > 0 ? end : '');
      const expected = whole([...unique.slice(0, at), ...added, ...unique.slice(at + gone.length)]);
      const usual = unique.length === 1 && !closed ? expected.replaceAll('\r\n', '\n') : expected;
      assert.equal(patch(whole(unique), hunk).content, usual);
    }),
    { numRuns: 2000 },
  );
});

test('whatever the patch and the file, it is applied or refused in words', () => {
  const piece = fc.constantFrom(
    ...[
      '*** Begin Patch',
      '*** End Patch',
      '*** Update File: f',
      '*** Add File: g',
      '*** Delete File: h',
      '*** Move to: i',
    ],
    ...[
      '*** End of File',
      '@@',
      '@@ a',
      '@@ -1,2 +3,4 @@ b',
      '',
      ' ',
      '+',
      '-',
      ' a',
      '-a',
      '+a',
      ' b',
      '-b',
      '+b',
      '***',
      'x',
    ],
  );
  const file = fc.array(fc.constantFrom('a\n', 'b\r\n', 'a ', '\n', ' b\n', 'c'), { maxLength: 8 });
  let applied = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), file, fc.boolean(), (lines, content, framed) => {
      const frame = ['*** Begin Patch', '*** Update File: f', ...lines, '*** End Patch'];
      try {
        for (const each of parsePatch((framed ? frame : lines).join('\n'))) {
          if (each.change !== 'update') continue;
          applyHunks(content.join(''), each.hunks);
          applied++;
        }
      } catch (error) {
        assert.ok(error instanceof PatchError && error.message.length > 10, String(error));
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(applied > 100, `${applied}`);
});
