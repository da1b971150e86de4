'use strict';

// The features that scripts/runtimes.js tries under all runtimes, here under this one.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { readPart } = require('../../scripts/written-parts');
const { FEATURES } = require('./features.cjs');
const { runFeature, startServers } = require('./harness');

let servers;
before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

describe('works, and the process ends', () => {
  for (const name of Object.keys(FEATURES)) {
    test(name, async () => {
      assert.equal(await runFeature([process.execPath], name, servers.env), undefined);
    });
  }
});

test('the features are the rows of the table in docs/runtimes.md (npm run test:runtimes writes it), and Node has them all', () => {
  const lines = readPart('runtimes').split('\n');
  const [heads, , ...rows] = lines.map((line) => line.split('|').map((cell) => cell.trim()));
  assert.deepEqual(
    rows.map((cells) => cells[1]),
    Object.keys(FEATURES),
  );
  const nodes = heads.flatMap((head, column) => (/^Node \d+\.\d+\.\d+$/.test(head) ? [column] : []));
  assert.equal(nodes.length, 5);
  for (const cells of rows) assert.deepEqual(new Set(nodes.map((column) => cells[column])), new Set(['yes']));
});
