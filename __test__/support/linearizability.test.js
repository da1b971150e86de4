'use strict';

// The checker of histories, and the register of which they are, tested.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { ABSENT, perform, step } = require('./cluster/register');
const { violations } = require('./cluster/history');
const { findViolation } = require('./linearizability');
const { Dice } = require('./random');

const operation = (kind, [call, end], told, more = {}) => ({ key: 'k', kind, call, end, told, ...more });
const set = (value, times, told) => operation('set', times, told, { value });
const get = (times, told) => operation('get', times, told);
const swap = (old, value, times, told) => operation('compareAndSwap', times, told, { old, value });

const isLinearizable = (history) => findViolation(history, step, ABSENT) === undefined;

describe('a history is linearizable', () => {
  for (const [what, history] of [
    ['that is empty', []],
    ['of one operation after the other', [set('1.1', [1, 2], ABSENT), get([3, 4], '1.1'), set('1.2', [5, 6], '1.1')]],
    ['whose reads overlap a write, and see both', [set('1.1', [1, 6], ABSENT), get([2, 3], '100'), get([4, 5], '1.1')]],
    [
      'of two swaps at once, one of which is told what the other one wrote',
      [set('1.1', [1, 2], ABSENT), swap('1.1', '2.1', [3, 6], '1.1'), swap('1.1', '3.1', [4, 5], '101 2.1')],
    ],
    ['whose write of unknown outcome is seen much later', [set('1.1', [1]), get([2, 3], '100'), get([4, 5], '1.1')]],
    ['whose write of unknown outcome is never seen', [set('1.1', [1]), get([2, 3], '100'), get([4, 5], '100')]],
    [
      'of a key that is created again after its deletion',
      [
        operation('create', [1, 2], ABSENT, { value: '1.1' }),
        operation('create', [3, 4], '105', { value: '1.2' }),
        operation('compareAndDelete', [5, 6], '1.1', { old: '1.1' }),
        operation('del', [7, 8], '100'),
        operation('create', [9, 10], ABSENT, { value: '1.3' }),
      ],
    ],
  ]) {
    test(what, () => assert.ok(isLinearizable(history)));
  }
});

describe('a history is not linearizable', () => {
  for (const [what, history] of [
    ['with a stale read', [set('1.1', [1, 2], ABSENT), set('1.2', [3, 4], '1.1'), get([5, 6], '1.1')]],
    ['with an acknowledged write that is missing', [set('1.1', [1, 2], ABSENT), get([3, 4], '100')]],
    [
      'with a write that takes place twice',
      [set('1.1', [1]), get([2, 3], '1.1'), operation('del', [4, 5], '1.1'), get([6, 7], '1.1')],
    ],
    ['with a value that nobody wrote', [set('1.1', [1, 2], ABSENT), get([3, 4], '9.9')]],
    [
      'whose reads at once see a write come and go',
      [set('1.1', [1, 9], ABSENT), get([2, 3], '1.1'), get([4, 5], '100')],
    ],
    [
      'of two swaps of one value that both succeed',
      [set('1.1', [1, 2], ABSENT), swap('1.1', '2.1', [3, 6], '1.1'), swap('1.1', '3.1', [4, 5], '1.1')],
    ],
    [
      'whose refused swap is told what is there no more',
      [set('1.1', [1, 2], ABSENT), set('1.2', [3, 4], '1.1'), swap('9.9', '2.1', [5, 6], '101 1.1')],
    ],
    ['whose write of unknown outcome is seen before its call', [get([1, 2], '1.1'), set('1.1', [3])]],
  ]) {
    test(what, () => assert.ok(!isLinearizable(history)));
  }

  test('and where its order ends is told', () => {
    const [wrong] = violations([
      set('1.1', [1, 2], ABSENT),
      get([3, 4], '100'),
      { ...get([1, 2], '100'), key: 'other' },
    ]);
    assert.match(wrong, /^After\n.*"set".*\nnone of these can follow\n.*"told":"100".*$/);
  });
});

/** A history of so many clients at once, each of whose operations takes place between its call and its end. */
function simulated(seed, { clients, count, unknownEvery }) {
  const dice = new Dice(seed);
  const busyUntil = Array.from({ length: clients }, () => 0);
  const history = [];
  let state = ABSENT;
  for (let moment = 1; history.length < count; moment++) {
    const client = dice.below(clients);
    if (busyUntil[client] >= moment) continue;
    const call = dice.within([Math.ceil(busyUntil[client]), moment - 1]) + 0.5;
    const kind = dice.pick(['get', 'set', 'create', 'del', 'compareAndSwap']);
    const next = { key: 'k', kind, value: `${client}.${moment}`, old: dice.pick([state, 'no.ne']), call };
    const { after, told } = perform(state, next);
    state = after;
    busyUntil[client] = moment + dice.number() * 2 * clients;
    history.push(dice.below(unknownEvery) > 0 ? { ...next, told, end: busyUntil[client] } : next);
  }
  return history;
}

describe('of random histories with many clients and unknown outcomes', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const history = simulated(seed, { clients: 8, count: 150, unknownEvery: 20 });

    test(`each that took place is linearizable (SEED=${seed})`, () => assert.ok(isLinearizable(history)));

    test(`none is with a stale read at its end (SEED=${seed})`, () => {
      const stale = [set('x.1', [1e6, 1e6 + 1]), set('x.2', [1e6 + 2, 1e6 + 3]), get([1e6 + 4, 1e6 + 5], 'x.1')];
      assert.ok(!isLinearizable([...history, ...stale]));
    });
  }
});
