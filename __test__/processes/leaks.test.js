'use strict';

// What a process holds stays the same however much it did. LONG=1 does more (npm run test:faults).

const assert = require('node:assert/strict');
const { withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { test } = require('../support/test');

const server = withEtcd();

const MANY = process.env.LONG ? 200_000 : 50_000;
/** Between the beginning, after a warm-up, and the end: of what is collected, and of what the allocator keeps. */
const GROWTH = { heapUsed: 4e6, rss: 24e6 };
const WARM_UP = 3;
const SAMPLE = 3;

const median = (list) => list.sort((one, other) => one - other)[Math.floor(list.length / 2)];
const middle = (batches, name) => median(batches.map((held) => held[name]));

for (const [what, count] of [
  ['requests', MANY],
  ['watches', 20_000],
  ['clients', 2000],
]) {
  const name = `${count} ${what === 'watches' ? 'aborted watches' : what} leave nothing behind`;
  test(name, { timeout: 300_000 }, async (t) => {
    const options = { args: [what, server.host, String(count)], execArgv: ['--expose-gc'], timeoutMs: 280_000 };
    const { before, batches, after } = await printedBy('__test__/support/loads/leaks.js', options);
    t.diagnostic(JSON.stringify({ before, first: batches[0], warm: batches[WARM_UP], last: batches.at(-1), after }));
    for (const [memory, limit] of Object.entries(GROWTH)) {
      const grown = middle(batches.slice(-SAMPLE), memory) - middle(batches.slice(WARM_UP, WARM_UP + SAMPLE), memory);
      assert.ok(grown < limit, `${memory} grew by ${grown}`);
    }
    assert.ok(
      after.descriptors <= before.descriptors,
      `${after.descriptors} descriptors, ${before.descriptors} before`,
    );
    assert.ok(after.threads <= before.threads, `${after.threads} threads, ${before.threads} before`);
  });
}
