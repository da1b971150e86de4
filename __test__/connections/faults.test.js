'use strict';

// Requests of all kinds through a proxy that harms their connections, by seeds. SEED=… repeats one run, LONG=1 makes
// more and longer ones (npm run test:faults), and npm run soak does so for as long as one likes.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { FAULTS, runFaults } = require('../support/fault-run');

const [RUNS, REQUESTS] = process.env.LONG ? [16, 4000] : [4, 1500];
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: RUNS }, (_, i) => i + 1);
const AT_ONCE = 2;

const struck = new Set();

describe(`${REQUESTS} requests, while their connections fail,`, {
  concurrency: AT_ONCE,
  skip: process.platform !== 'linux' && 'looks into /proc',
}, () => {
  for (const seed of SEEDS) {
    test(`settle once, lose no write and leave nothing behind (SEED=${seed})`, async (t) => {
      const { wrong, ...run } = await runFaults(seed, REQUESTS);
      t.diagnostic(JSON.stringify(run));
      for (const name of Object.keys(run.struck)) struck.add(name);
      assert.deepEqual(wrong, []);
      assert.ok(run.written > REQUESTS / 10 && run.removed > REQUESTS / 100 && run.failed > REQUESTS / 20, 'a load');
    });
  }
});

test('every kind of fault struck', { skip: SEEDS.length < RUNS || process.platform !== 'linux' }, () => {
  assert.deepEqual([...struck].sort(), [...FAULTS].sort());
});
