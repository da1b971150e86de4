'use strict';

// A store in this process against etcd: random programs of right and wrong requests, each on both, whose clients must be
// told the same. SEED=… repeats one run; `npm run soak` runs others.

const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { startEtcd } = require('../../scripts/etcd');
const { canBeCompared, runLockstep } = require('../support/lockstep');
const { called } = require('../support/promises');

const ALL = 20;
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: ALL }, (_, i) => i + 1);
const AT_ONCE = 4;
const skip = !canBeCompared() && 'the etcd is none of 3.4';

/** What etcd's v2 API refuses, but for what needs users or more members, and what its client refuses. */
const CODES = [100, 101, 102, 104, 105, 107, 108, 201, 202, 203, 209, 210, 211, 212, 401];

describe('a store in this process answers as etcd does', { timeout: 300_000, concurrency: AT_ONCE, skip }, () => {
  const refusals = new Set();

  for (const seed of SEEDS) {
    test(`to a random program (SEED=${seed})`, async (t) => {
      const { wrong, codes, ...run } = await runLockstep(seed);
      t.diagnostic(JSON.stringify(run));
      for (const code of codes) refusals.add(code);
      assert.equal(wrong.join('\n'), '');
      assert.ok(run.calls > 250 && run.refused > 50 && run.changes > 0, 'a program');
    });
  }

  after(() => {
    if (SEEDS.length === ALL) assert.deepEqual([...refusals].sort(), CODES);
  });
});

describe('a store in this process answers in the shape of etcd', { skip }, () => {
  let server;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server?.stop());

  /** Names and types without what is in them, and without the peers, which a store does not have. */
  function shapeOf(value) {
    if (Array.isArray(value)) return value.map(shapeOf);
    if (typeof value !== 'object' || value === null) return typeof value;
    const fields = Object.entries(value).filter(([name]) => name !== 'peerURLs');
    return Object.fromEntries(fields.map(([name, inner]) => [name, shapeOf(inner)]));
  }

  async function shapeOfReply(host, method, path) {
    const statuses = [];
    const listen = ({ status }) => statuses.push(status);
    subscribe('node-etcd-native:request:reply', listen);
    const [err, body, headers] = await called((done) => new Etcd(host).raw(method, path, undefined, done));
    unsubscribe('node-etcd-native:request:reply', listen);
    const names = ['content-type', 'x-content-type-options'];
    return [err, statuses, shapeOf(body), names.map((name) => headers[name]), 'x-etcd-cluster-id' in headers];
  }

  const PATHS = ['version', 'health', 'v2/machines', 'v2/members', 'v2/members/leader', 'none', 'v2/none', 'v2/keysx'];
  for (const path of [...PATHS, 'v2/stats/self', 'v2/stats/leader', 'v2/stats/store']) {
    for (const method of ['GET', 'HEAD', 'PATCH', 'OPTIONS']) {
      test(`to ${method} /${path}`, async () => {
        const reply = await shapeOfReply('memory:shapes', method, path);
        assert.deepEqual(reply, await shapeOfReply(server.host, method, path));
      });
    }
  }
});
