#!/usr/bin/env node
'use strict';

// npm run test:faults: what is about faults, clusters, lifecycles and leaks, with more and longer runs than npm test. Takes
// less than ten minutes. Random seeds for as long as one likes: npm run soak.

const { findEtcd, findEtcdV3 } = require('./etcd');
const { main, runGroup } = require('./command');
const { ROOT, ensureAddon, ensureDependencies } = require('./setup');
const { testFile } = require('./test-files');

const CLUSTERS = ['connections/cluster', 'connections/linearizable'];
const FILES = [
  'connections/faults',
  'processes/leaks',
  ...CLUSTERS,
  'connections/failover',
  'connections/retries',
  'processes/lifecycle',
  'processes/close',
  'processes/clock',
  'connections/hostile',
  'connections/boundaries',
  'watcher/faults',
  'watcher/model',
];

main(async () => {
  ensureDependencies();
  ensureAddon();
  const env = { ...process.env, ETCD: findEtcd(), LONG: '1' };
  // One file after the other: what is measured is theirs alone.
  const reporter = `--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`;
  const test = (files, more) => {
    const args = ['--test', '--test-concurrency=1', reporter, ...files.map(testFile)];
    return runGroup(process.execPath, args, {
      cwd: ROOT,
      env: { ...env, ...more },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  };
  const overHttp = await test(FILES);
  const onV3 = await test(CLUSTERS, { TEST_TRANSPORT: 'v3', ETCD_V3: findEtcdV3() });
  const inMemory = await test(['processes/leaks', 'processes/lifecycle'], { TEST_TRANSPORT: 'memory' });
  return Math.max(overHttp, onV3, inMemory);
});
