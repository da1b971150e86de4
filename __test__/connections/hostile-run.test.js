'use strict';

// Odd arguments for every method, and a server whose answers are changed in their body, headers or framing, by seeds.
// SEED=… repeats the arguments of a run and the sequence of answers; which request gets which answer depends on their
// order of arrival. npm run soak -- --hostile goes on as long as one likes.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runHostile } = require('../support/hostile-run');

const ROUNDS = 60;
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : [1, 2];

describe('odd arguments and answers', () => {
  for (const seed of SEEDS) {
    test(`crash nothing, make up no event and lose no condition of a write (SEED=${seed})`, async (t) => {
      const { wrong, ...run } = await runHostile(seed, { rounds: ROUNDS });
      t.diagnostic(JSON.stringify(run));
      assert.deepEqual(wrong, []);
      for (const name of ['refused', 'answered', 'failed', 'writes', 'events']) assert.ok(run[name] > 0, name);
    });
  }
});
