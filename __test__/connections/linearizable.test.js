'use strict';

// Several clients read, write and compare a few keys at once, while members of the cluster fail: what they are told must
// be as if one operation took place after the other. SEED=… repeats the choices of a run, but not the order in which they
// meet.

const assert = require('node:assert/strict');
const { keep } = require('../support/clean-up');
const { History } = require('../support/cluster/history');
const { noPartition, partitioned } = require('../support/cluster/partition');
const { freshPrefix, withCluster } = require('../support/etcd');
const { chooseSeed, Dice } = require('../support/random');
const { describe, test } = require('../support/test');

/** How often a member fails, in a test. */
const FAULTS = process.env.LONG ? 12 : 3;

const t = withCluster();

function begin(seed) {
  const { members, current } = t;
  const connect = (options, some) => t.connect(options, some);
  return keep(new History(connect, { members, prefix: freshPrefix('history'), seed, current }));
}

/** All of it is in one order, and no error was other than what a failing server gives. */
function check({ wrong, errors, ...counts }) {
  console.log(`# ${JSON.stringify(counts)}`);
  assert.deepEqual(wrong, []);
  assert.deepEqual(errors, []);
  assert.ok(counts.told > 0);
}

/** What fails: the leader first, and then whichever the dice choose. */
async function chooseMembers(dice) {
  const [leader, ...others] = await t.leaderFirst();
  return { one: dice.pick([leader, leader, ...others]), other: dice.pick(others) };
}

describe('what clients of different members are told has one order', { timeout: 180_000 }, () => {
  const seed = chooseSeed();

  test(`while members are killed, also two at once (SEED=${seed})`, async () => {
    const history = begin(seed);
    const dice = new Dice(seed);
    await history.progress();
    for (let fault = 0; fault < FAULTS; fault++) {
      const { one, other } = await chooseMembers(dice);
      // Without the third one, too, nobody writes until they are back.
      const killed = fault % 3 === 2 && one !== other ? [one, other] : [one];
      await Promise.all(killed.map((member) => member.kill()));
      if (killed.length === 1) await history.progress();
      await Promise.all(killed.map((member) => member.start()));
      await history.progress();
    }
    check(await history.result());
  });

  test(`while members hang, lose the leadership, and wake up (SEED=${seed})`, async () => {
    const history = begin(seed);
    const dice = new Dice(seed);
    await history.progress();
    for (let fault = 0; fault < FAULTS; fault++) {
      const { one } = await chooseMembers(dice);
      one.pause();
      await t.leader(); // another one, if it was the leader
      await history.progress();
      one.resume();
      await history.progress();
    }
    check(await history.result());
  });

  test(`while the leader is cut off and comes back (SEED=${seed})`, { skip: noPartition() }, async () => {
    check(await partitioned('history', seed));
  });
});
