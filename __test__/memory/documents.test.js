'use strict';

// The examples that need no server.

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { runScript } = require('../support/node-script');

const ROOT = path.join(__dirname, '..', '..');

test('examples/quick-start.js runs without a server', async () => {
  const { code, stdout, stderr } = await runScript(path.join(ROOT, 'examples', 'quick-start.js'));
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^\/quick-start\/color is red\n.*red became green\ncleaned up\n$/);
});

test('examples/tour.js runs without a server', async () => {
  const { code, stdout, stderr } = await runScript(path.join(ROOT, 'examples', 'tour.js'));
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^A store in this process[\s\S]*The tour is complete\.\n$/);
});
