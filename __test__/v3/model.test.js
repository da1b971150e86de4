'use strict';

// The watcher on v3 against a model of v2's watches, as in watcher/model: a writer makes all kinds of events, a recorder
// reads from etcd's gateway what became of the keys, and watchers follow through proxies that harm their connections. etcd
// is killed, ended or hangs, and its history is compacted, behind the watchers or before their eyes.
// SEED=… repeats one run, SEEDS=… says how many there are.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runModel } = require('../support/model');

const { SEED, SEEDS = 2 } = process.env;
const OVER_JSON = 4;
const AT_ONCE = 4;

const seeds = SEED ? [Number(SEED)] : Array.from({ length: Number(SEEDS) }, (_, i) => i + 1);
/** The gateway carries the same: some of the runs are enough to see that it does. */
const RUNS = { v3: seeds, 'v3-json': seeds.filter((seed) => SEED || seed <= OVER_JSON) };

/** What happened, without what is asserted. */
const summary = ({ wrong: _, ...counts }) => JSON.stringify(counts);

for (const [api, each] of Object.entries(RUNS)) {
  const options = { timeout: 600_000, concurrency: AT_ONCE };

  describe(`watchers over ${api}, while their connections fail and etcd is killed or compacted,`, options, () => {
    for (const seed of each) {
      test(`emit what was recorded, in order, and resync for what was forgotten alone (SEED=${seed})`, async (t) => {
        const run = await runModel(seed, { api });
        t.diagnostic(summary(run));
        assert.deepEqual(run.wrong, []);
      });
    }

    test('emit one resync for what was compacted before they could see it, and all the rest', async (t) => {
      const run = await runModel(each[0], { api, overrun: true });
      t.diagnostic(summary(run));
      assert.deepEqual(run.wrong, []);
      assert.ok(
        run.resyncs.every((count) => count > 0),
        'connections failed until the history was compacted',
      );
    });

    test('go on at another member when theirs leaves the cluster', async (t) => {
      const run = await runModel(each[0], { api, leaving: true });
      t.diagnostic(summary(run));
      assert.deepEqual(run.wrong, []);
    });
  });
}
