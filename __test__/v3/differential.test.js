'use strict';

// v2 kept on etcd v3 against etcd's own v2 store: random programs of right and wrong requests, and watchers, each on both,
// whose clients must be told the same. SEED=… repeats one run, ETCD_V3=… names the etcd to keep it on.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { findEtcd, findEtcdV3, inspectEtcd, startEtcd } = require('../../scripts/etcd');
const { runOnV3 } = require('../support/lockstep/v3');

const ALL = 20;
const OVER_JSON = 4;
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: ALL }, (_, i) => i + 1);
/** From 3.5 on each update of a directory is a status of 500. */
const skip =
  !inspectEtcd(findEtcd()).version.startsWith('3.4.') && 'the etcd whose v2 store is compared with is none of 3.4';

/** What etcd's v2 API refuses, but for what needs users, and what its client refuses. */
const CODES = [100, 101, 102, 104, 105, 107, 108, 201, 202, 203, 209, 210, 211, 212];

describe('v2 kept on v3 answers as v2 does', { timeout: 300_000, skip }, () => {
  const refusals = new Set();
  let v3;
  before(async () => {
    v3 = await startEtcd({ etcd: findEtcdV3() });
  });
  after(() => v3?.stop());

  /** The gateway carries the same calls: some of the runs are enough to see that it does. */
  const runs = SEEDS.flatMap((seed) =>
    seed <= OVER_JSON
      ? [
          ['v3', seed],
          ['v3-json', seed],
        ]
      : [['v3', seed]],
  );

  for (const [api, seed] of runs) {
    test(`to a random program (SEED=${seed}) over ${api}`, async (t) => {
      const v2 = await startEtcd({ args: ['--heartbeat-interval=10', '--election-timeout=100'] });
      t.after(() => v2.stop());
      const places = { v2: v2.host, v3: v3.host, api, namespace: `/${api}-${seed}` };
      const { wrong, codes, ...run } = await runOnV3(seed, places);
      t.diagnostic(JSON.stringify(run));
      for (const code of codes) refusals.add(code);
      assert.equal(wrong.join('\n'), '');
      assert.ok(run.calls > 250 && run.refused > 50, 'a program');
    });
  }

  after(() => {
    if (SEEDS.length === ALL) assert.deepEqual([...refusals].sort(), CODES);
  });
});
