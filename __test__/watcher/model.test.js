'use strict';

// The watcher against a model of etcd's watches: a writer makes all kinds of events, a recorder reads them directly from
// etcd, and watchers follow through proxies that harm their connections, while etcd is killed and started again.
// SEED=… repeats one run; `npm run soak` runs others.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runModel } = require('../support/model');
const { judge, sees } = require('../support/model/watch-model');

const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: 20 }, (_, i) => i + 1);
const AT_ONCE = 4;

/** What happened, without what is asserted. */
const summary = ({ wrong: _, ...counts }) => JSON.stringify(counts);

describe('watchers, while their connections fail and etcd is killed,', {
  timeout: 300_000,
  concurrency: AT_ONCE,
}, () => {
  for (const seed of SEEDS) {
    test(`emit what was recorded, in order (SEED=${seed})`, async (t) => {
      const run = await runModel(seed);
      t.diagnostic(summary(run));
      assert.deepEqual(run.wrong, []);
      assert.ok(
        run.resyncs.every((count) => count === 0),
        'resync, though nobody was left behind by the history',
      );
    });
  }

  test('emit one resync for what etcd has forgotten, and all the rest', async (t) => {
    const run = await runModel(SEEDS[0], { overrun: true });
    t.diagnostic(summary(run));
    assert.deepEqual(run.wrong, []);
    assert.ok(
      run.resyncs.every((count) => count > 0),
      'connections failed for longer than the history reaches',
    );
  });
});

describe('the model of a watch', () => {
  const event = (action, key, index = 1) => ({ action, node: { key, modifiedIndex: index } });
  const there = new Set(['/a', '/a/b']);

  for (const [what, watch, seen, expected] of [
    ['sees its own key', { key: '/a' }, event('set', '/a'), 'always'],
    ['sees it if it is hidden', { key: '/_a' }, event('set', '/_a'), 'always'],
    ['does not see what is below', { key: '/a' }, event('set', '/a/b'), 'never'],
    ['sees it if it is recursive', { key: '/a', recursive: true }, event('set', '/a/b'), 'always'],
    ['of everything does', { key: '/', recursive: true }, event('set', '/a/b'), 'always'],
    ['does not see what is hidden below', { key: '/', recursive: true }, event('set', '/a/_b'), 'never'],
    ['sees what is below a hidden key', { key: '/_a', recursive: true }, event('set', '/_a/b'), 'always'],
    ['sees the removal of what holds it', { key: '/a/b' }, event('expire', '/a'), 'always'],
    ['may see it if its key is not there', { key: '/a/c' }, event('delete', '/a'), 'perhaps'],
    ['does not see what else happens to it', { key: '/a/b' }, event('set', '/a'), 'never'],
    ['does not see keys that begin alike', { key: '/ab', recursive: true }, event('delete', '/a'), 'never'],
  ]) {
    test(what, () => assert.equal(sees(watch, seen, there), expected));
  }

  const history = [1, 2, 3, 1500].map((index) => event('set', '/a', index));
  const [first, second, third, last] = history;

  for (const [what, emitted, expected] of [
    ['accepts what happened', history, []],
    ['finds what is lost', [first, third, last], [/^2 \(set \/a\) is lost/]],
    ['finds what is lost at the end', [first, second, third], [/^1500 .* is lost/]],
    ['finds what comes twice', [first, second, second, third, last], [/^2 came after 2/]],
    ['finds what comes late', [second, first, third, last], [/^1 .* is lost/, /^1 came after 2/]],
    ['finds what is not for it', [first, second, third, event('set', '/a', 7), last], [/^7 .* is not for this watch/]],
    ['finds what is another', [first, event('update', '/a', 2), third, last], [/^2 was .*set.* not .*update/]],
    ['accepts a resync over what is forgotten', [first, { resync: 1400 }, last], []],
    ['finds a resync without need', [first, { resync: 3 }, third, last], [/^resync to 3, though 2 was/]],
    ['accepts a resync over what is compacted', [first, { resync: 1400, compacted: 3 }, last], []],
    [
      'finds a resync without need on v3',
      [first, { resync: 3, compacted: 2 }, third, last],
      [/^resync to 3, though 2 was/],
    ],
    ['finds what is lost after a resync', [first, { resync: 1400 }], [/^1500 .* is lost/]],
  ]) {
    test(`${what}`, () => {
      const wrong = judge({ key: '/a' }, 1, emitted, history);
      assert.equal(wrong.length, expected.length, wrong.join('\n'));
      for (const [at, pattern] of expected.entries()) assert.match(wrong[at], pattern);
    });
  }

  const below = [event('set', '/d/a', 1), event('delete', '/d', 2)];

  for (const [what, compacted, expected] of [
    ['accepts the removal of the key for that of its directory, which is compacted', 2, 0],
    ['finds the removal of the key for that of its directory, which is not compacted', 1, 1],
  ]) {
    test(what, () => {
      const emitted = [below[0], { ...event('delete', '/d/a', 2), compacted }];
      assert.equal(judge({ key: '/d/a' }, 1, emitted, below).length, expected);
    });
  }

  const expired = { ...event('expire', '/a', 2), prevNode: event('set', '/a', 1).node };

  for (const [what, told, compacted, expected] of [
    ['accepts a removal without what was before, which is compacted', event('delete', '/a', 2), 2, 0],
    ['finds one without it that is not compacted', event('delete', '/a', 2), 1, 1],
    ['finds another action', event('compareAndDelete', '/a', 2), 2, 1],
    ['finds an end that is told as a removal with what was before', { ...expired, action: 'delete' }, 2, 1],
  ]) {
    test(what, () => assert.equal(judge({ key: '/a' }, 2, [{ ...told, compacted }], [expired]).length, expected));
  }
});
