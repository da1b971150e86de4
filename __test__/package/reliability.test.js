'use strict';

// docs/reliability.md names tests. Here they are looked up.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const DOCS = path.join(__dirname, '..', '..', 'docs');
const TEXT = fs.readFileSync(path.join(DOCS, 'reliability.md'), 'utf8');
/** A link to a file of tests, and the words in quotes behind it. */
const HOLDS = /\]\((\S+\.test\.js)\): ("[^"]+"(?:, "[^"]+")*)/g;

test('every test that the promises name is there', () => {
  const named = [...TEXT.matchAll(HOLDS)].flatMap(([, file, names]) =>
    names.split(/", "|"/).flatMap((name) => (name ? [[file, name]] : [])),
  );
  assert.ok(named.length > 30, `${named.length} found`);
  assert.equal(TEXT.match(/\.test\.js\)/g).length, [...TEXT.matchAll(HOLDS)].length, 'each file with names');
  const missing = named.filter(([file, name]) => !fs.readFileSync(path.join(DOCS, file), 'utf8').includes(name));
  assert.deepEqual(missing, []);
});
