'use strict';

// A member that has lost its cluster, and does not know it yet: it answers, but not for the cluster.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startCluster } = require('../../scripts/etcd');
const { keep } = require('../support/clean-up');
const { rejection } = require('../support/promises');

/** So long a member believes in a leader that is silent: longer than the test. */
const PATIENT = ['--heartbeat-interval=1000', '--election-timeout=50000'];
const AHEAD = 100;

describe('a member without its cluster', { timeout: 240_000 }, () => {
  let cluster;
  let [alone, others] = [];
  before(async () => {
    cluster = await startCluster({ etcd: findEtcdV3(), args: PATIENT });
    const leader = await cluster.leader();
    alone = cluster.members.find((member) => member !== leader);
    others = cluster.members.filter((member) => member !== alone);
  });
  after(() => cluster?.stop());

  for (const api of ['v3', 'v3-json']) {
    test(`does not make a watcher over ${api} believe that the store went back, before the cluster says so`, async () => {
      const etcd = new Etcd(alone.host, { api, maxRetries: 0 });
      const { node } = await etcd.set('lagging', api);
      const told = [];
      for (const member of others) member.pause();
      try {
        const watcher = keep(etcd.watcher('lagging', node.modifiedIndex + AHEAD));
        watcher.on('resync', () => told.push('resync'));
        // While the cluster answers no read, the watcher is told nothing.
        await rejection(etcd.get('lagging', { timeout: 2000 }));
        assert.deepEqual(told, []);
        const wentBack = once(watcher, 'resync');
        for (const member of others) member.resume();
        await wentBack;
      } finally {
        for (const member of others) member.resume();
        await etcd.close({ abort: true });
      }
    });
  }
});
