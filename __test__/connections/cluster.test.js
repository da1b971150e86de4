'use strict';

// Three members of etcd, of which one at a time dies, hangs, or is restarted, while a client goes on.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { keep } = require('../support/clean-up');
const { noPartition, partitioned } = require('../support/cluster/partition');
const { Workload, writesOnce } = require('../support/cluster/workload');
const { freshPrefix, withCluster } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

/** With `timeout: 1000`, how long a request may take: one try at each host and an election, and a busy machine. */
const LONGEST = 10_000;

const t = withCluster();

let workload;
const begin = (options, prefix = freshPrefix('cluster')) => {
  workload = keep(new Workload(t.connect(options), prefix, { current: t.current }));
  return workload.progress();
};

const beginOnce = () => {
  workload = keep(writesOnce((options) => t.connect(options), freshPrefix('once'), t.current));
  return workload.progress();
};

/** Kills the members one at a time, the leader first, and starts each again. */
async function killInTurn(signal) {
  for (const member of await t.leaderFirst()) {
    await member.kill(signal);
    await workload.progress();
    await member.start();
    await workload.progress();
  }
}

/** Lets the leader, and then another, hang for 5 s. */
async function hangTwo() {
  for (const member of (await t.leaderFirst()).slice(0, 2)) {
    member.pause();
    await Promise.all([sleep(5000), workload.progress()]);
    member.resume();
    await workload.progress();
  }
}

/** Whatever was acknowledged is there, and no request took for ever. */
function check({ acknowledged, missing, lost, errors, longest }, allowed = ['All servers returned error']) {
  console.log(
    `# ${acknowledged} writes, ${errors.length} failures, the longest request took ${Math.round(longest)} ms`,
  );
  assert.deepEqual(missing, []);
  assert.deepEqual(lost, []);
  assert.deepEqual(
    errors.filter((error) => !allowed.includes(error)),
    [],
  );
  assert.ok(longest < LONGEST, `a request took ${longest} ms`);
}

/** The same of writes that are not sent again, none of which took place twice. */
function checkOnce(result) {
  check(result, ['All servers returned error', 'ERR_UNKNOWN_OUTCOME']);
  assert.deepEqual(result.twice, []);
}

describe('a client of three members', { timeout: 120_000 }, () => {
  test('goes on while they are killed and started again, one at a time', async () => {
    await begin({ timeout: 1000 });
    await killInTurn('SIGKILL');
    check(await workload.result());
  });

  test('goes on while the leader, and then another, hangs for 5 s', async () => {
    await begin({ timeout: 1000 });
    await hangTwo();
    check(await workload.result());
  });

  test('has no request that fails while all are restarted in turn', async () => {
    await begin();
    await killInTurn('SIGTERM');
    const result = await workload.result();
    check(result);
    assert.deepEqual(result.errors, []);
  });

  test('goes on while the leader is cut off from it and from the others', { skip: noPartition() }, async () => {
    check(await partitioned('writes'));
  });
});

describe('with resendWrites: false no write takes place twice, and none is missing,', { timeout: 120_000 }, () => {
  test('while members are killed and started again, one at a time', async () => {
    await beginOnce();
    await killInTurn('SIGKILL');
    checkOnce(await workload.result());
  });

  test('while the leader, and then another, hangs for 5 s and wakes up', async () => {
    await beginOnce();
    await hangTwo();
    checkOnce(await workload.result());
  });

  test('while the leader is cut off and comes back', { skip: noPartition() }, async () => {
    checkOnce(await partitioned('once'));
  });
});

test('a recursive watcher shows every acknowledged write once while members are killed, one at a time', async () => {
  const prefix = freshPrefix('watched');
  const etcd = t.connect();
  const { node } = await etcd.set(`${prefix}-start`, 1);
  const watcher = keep(etcd.watcher(prefix, node.modifiedIndex + 1, { recursive: true }));
  const seen = [];
  let resyncs = 0;
  watcher.on('set', (body) => seen.push([body.node.key.slice(1), body.node.value, body.node.modifiedIndex]));
  watcher.on('resync', () => {
    resyncs += 1;
  });
  await begin({ timeout: 1000 }, prefix);
  await killInTurn('SIGKILL');
  check(await workload.result());
  const acknowledged = workload.acknowledged.sort(([, , one], [, , other]) => one - other);
  const last = acknowledged.at(-1)[2];
  await waitUntil(() => seen.at(-1)?.[2] >= last, { timeoutMs: 30_000 });
  const indexes = seen.map(([, , index]) => index);
  assert.deepEqual(
    indexes,
    [...new Set(indexes)].sort((one, other) => one - other),
  );
  const expected = new Set(acknowledged.map(([, , index]) => index));
  // A write that was sent again has an event for each time.
  assert.deepEqual(
    seen.filter(([, , index]) => expected.has(index)),
    acknowledged,
  );
  assert.equal(resyncs, 0);
});
