'use strict';

// The watcher: which events it emits, with what, and what it asks the server for.

const EVENTS = [
  ...['change', 'set', 'create', 'update', 'delete', 'expire', 'compareAndSwap', 'compareAndDelete'],
  ...['get', 'reconnect', 'resync', 'error', 'stop'],
];

/** An event that comes while its poll is open: the header says where the store was when that began. */
const event = (modifiedIndex, action = 'set', rest) => ({
  reply: {
    headers: { 'X-Etcd-Index': String(Math.max(modifiedIndex - 1, 0)) },
    json: { action, node: { key: '/k', value: `at ${modifiedIndex}`, modifiedIndex, createdIndex: 3 }, ...rest },
  },
});
const empty = (headers = { 'X-Etcd-Index': '30' }) => ({ reply: { headers } });
const outdated = (index) => ({
  reply: {
    status: 400,
    json: { errorCode: 401, message: 'The event in requested index is outdated and cleared', cause: '[91/86]', index },
  },
});
const BAD_TYPE = { difference: 'bad-arguments', expected: { thrown: 'ERR_INVALID_ARG_TYPE', wire: [] } };
const held = { stall: true };

/** node-etcd's waits are over at once. */
function withQuickWaits() {
  const { setTimeout: original } = global;
  global.setTimeout = (work, ms, ...args) => original(work, ms >= 300 ? 1 : ms, ...args);
  return {
    restore: () => {
      global.setTimeout = original;
    },
  };
}

/** Records what a watcher emits; resolves at the n-th event. */
function recorded(watcher, { without = [] } = {}) {
  const events = [];
  const waiting = [];
  for (const name of EVENTS.filter((candidate) => !without.includes(candidate))) {
    watcher.on(name, (...args) => {
      events.push([name, ...args]);
      for (const { count, resolve } of waiting) if (events.length >= count) resolve(events);
    });
  }
  const until = (count) =>
    new Promise((resolve) => (events.length >= count ? resolve(events) : waiting.push({ count, resolve })));
  return { events, until };
}

/** Watches until the server has answered all of its steps and holds the next poll; then stops. */
const watched = (name, steps, rest = {}) => ({
  name,
  anyOrder: true,
  steps: [...steps, { ...held, times: 100 }],
  run: async (etcd, { received, sleep }) => {
    const quick = withQuickWaits();
    const watcher = etcd.watcher(...(rest.watch ?? ['k']));
    const { events } = recorded(watcher);
    await received(rest.requests ?? steps.length + 1);
    await sleep(rest.settles ?? 0);
    const { key, index, stopped, retryAttempts } = watcher;
    const returned = watcher.stop();
    await sleep(20);
    quick.restore();
    return { events, key, index, before: stopped, after: watcher.stopped, retryAttempts, returned };
  },
  ...rest,
});

module.exports = {
  title: 'the watcher',
  needs: ['etcd'],
  cases: [
    watched('one change, then it waits for the next', [event(10)]),
    watched('each action is an event', [
      event(10, 'set'),
      event(11, 'create'),
      event(12, 'update'),
      event(13, 'delete', { prevNode: { key: '/k', value: 'old', modifiedIndex: 12, createdIndex: 3 } }),
      event(14, 'expire'),
      event(15, 'compareAndSwap'),
      event(16, 'compareAndDelete'),
    ]),
    watched('an action it does not know', [event(10, 'get')], { difference: 'watcher-actions' }),
    watched('no action', [event(10, 'set', { action: undefined })], { difference: 'watcher-actions' }),
    watched('an action of null', [event(10, null)], { difference: 'watcher-actions' }),
    watched('starting at an index', [event(10)], { watch: ['k', 9] }),
    watched('starting at index 0', [event(10)], {
      watch: ['k', 0],
      difference: 'watcher-zero',
      expected: { wire: ['GET /v2/keys/k?wait=true', 'GET /v2/keys/k?wait=true&waitIndex=11'] },
    }),
    watched('starting at null', [event(10)], { watch: ['k', null, null] }),
    watched('options are parameters', [event(10), event(20)], { watch: ['d', 5, { recursive: true }] }),
    watched('options without an index', [event(10)], { watch: ['d', undefined, { recursive: true, sorted: true }] }),
    watched('an empty reply: the same index again', [event(10), empty()]),
    watched('an empty reply before the first event', [empty(), event(31)], {
      difference: 'watcher-start',
      expected: {
        wire: ['GET /v2/keys/k?wait=true', ...[31, 32].map((next) => `GET /v2/keys/k?wait=true&waitIndex=${next}`)],
      },
    }),
    watched('an outdated index: from where the server is', [outdated(1000), event(1001)], { watch: ['k', 5] }),
    watched('an outdated index without a current one', [
      { reply: { status: 400, json: { errorCode: 401, message: 'outdated' } } },
      event(10),
    ]),
    watched('an error of etcd', [
      { reply: { status: 400, json: { errorCode: 209, message: 'no', index: 0 } } },
      event(10),
    ]),
    watched('missing credentials', [{ reply: { status: 401, json: { errorCode: 110, message: 'no', index: 0 } } }], {
      difference: 'watcher-auth',
      requests: 1,
      settles: 50,
    }),
    watched('a broken server', [{ reply: { status: 500, body: 'broken' } }, event(10)]),
    watched('a broken server after an event', [event(10), { reply: { status: 500, body: 'broken' } }, event(11)]),
    watched(
      'retries come before a reconnect',
      [{ close: true }, { close: true }, { close: true }, { close: true }, event(10)],
      {
        difference: 'watcher-reconnect',
      },
    ),
    watched('a poll that is cut', [{ cut: { bytes: 5, json: { action: 'set' } } }, event(10)], {
      difference: 'watcher-reconnect',
    }),
    watched('maxRetries for each poll', [{ close: true }, { close: true }, event(10)], {
      watch: ['k', 5, { maxRetries: 0 }],
    }),
    ...[
      ['text', { reply: { body: 'some text' } }],
      ['a page of 404', { reply: { status: 404, body: '404 page not found\n' } }],
      ['JSON that is no event', { reply: { json: { some: 'thing' } } }],
      ['a node without an index', { reply: { json: { action: 'set', node: { key: '/k' } } } }],
      ['an empty reply without an index', empty({})],
      ['a refusal without a code', { reply: { status: 403, json: { message: 'no' } } }],
      ['half of an event', { reply: { body: '{"action":"set","node":' } }],
    ].map(([name, step]) =>
      watched(`an unexpected answer: ${name}`, [step, event(10)], { difference: 'watcher-actions' }),
    ),
    watched('an unexpected answer: null', [{ reply: { body: 'null', headers: { 'X-Etcd-Index': '5' } } }, event(10)], {
      difference: 'not-etcd',
    }),
    watched('an event whose index is 0', [event(0), event(5)]),
    {
      name: 'an event ends the count of failures',
      anyOrder: true,
      steps: [
        ...Array.from({ length: 3 }, () => ({ reply: { status: 500, body: 'broken' } })),
        event(10),
        { reply: { status: 500, body: 'broken' } },
        { ...held, times: 100 },
      ],
      run: async (etcd, { received, sleep }) => {
        const quick = withQuickWaits();
        const watcher = etcd.watcher('k');
        const { events } = recorded(watcher);
        await received(6);
        quick.restore();
        watcher.stop();
        await sleep(20);
        return events.filter(([name]) => name === 'reconnect').map(([, error]) => error.reconnectCount);
      },
    },
    {
      // The longest pause is too long to wait for here: Rust's unit tests see it.
      name: 'five refused connections',
      difference: 'watcher-pause',
      hosts: '127.0.0.1:{refused}',
      expected: { result: true },
      theirs: { result: false },
      run: async (etcd, { sleep, within }) => {
        const watcher = etcd.watcher('k', null, { maxRetries: 0 });
        const { until } = recorded(watcher);
        const soon = await within(5000, until(5));
        watcher.stop();
        await sleep(20);
        return soon !== undefined;
      },
      leaves: true,
    },
    {
      name: 'stop',
      fallback: held,
      run: async (etcd, { received, sleep }) => {
        const watcher = etcd.watcher('k');
        const { events } = recorded(watcher);
        await received(1);
        const results = [watcher.stop(), watcher.stop(), watcher.stopped];
        await sleep(20);
        return { results, events };
      },
    },
    {
      name: 'stop without a listener',
      fallback: held,
      run: async (etcd, { received }) => {
        const watcher = etcd.watcher('k');
        await received(1);
        return [watcher.stop(), watcher.stopped];
      },
    },
    {
      name: 'stop is bound, and so is etcd.watcher',
      fallback: held,
      run: async (etcd, { received }) => {
        const { watcher: watch } = etcd;
        const watcher = watch('k');
        await received(1);
        const { stop } = watcher;
        stop();
        return watcher.stopped;
      },
    },
    {
      name: 'fields',
      fallback: held,
      run: async (etcd, { received }) => {
        const watcher = etcd.watcher('k', 5);
        await received(1);
        watcher.stop();
        const { EventEmitter } = require('node:events');
        return {
          types: ['etcd', 'key', 'index', 'options', 'stopped', 'retryAttempts'].map((name) => typeof watcher[name]),
          same: watcher.etcd === etcd,
          emitter: watcher instanceof EventEmitter,
          name: watcher.constructor.name,
        };
      },
    },
    {
      name: 'request',
      difference: 'watcher-request',
      expected: { result: 'undefined' },
      theirs: { result: 'object' },
      fallback: held,
      run: async (etcd, { received }) => {
        const watcher = etcd.watcher('k');
        await received(1);
        watcher.stop();
        return typeof watcher.request;
      },
    },
    {
      name: 'stop in a listener',
      difference: 'watcher-stop',
      steps: [event(10)],
      fallback: held,
      run: async (etcd, { received, sleep }) => {
        const watcher = etcd.watcher('k');
        await new Promise((resolve) =>
          watcher.on('change', () => {
            watcher.stop();
            resolve();
          }),
        );
        await received(1);
        await sleep(50);
        return watcher.stopped;
      },
      leaves: true,
    },
    {
      name: 'events after stop in a listener',
      difference: 'watcher-stop',
      expected: { result: ['change', 'stop'] },
      theirs: { result: ['change', 'stop', 'set'] },
      steps: [event(10, 'set')],
      fallback: held,
      run: async (etcd, { sleep }) => {
        const watcher = etcd.watcher('k');
        const { events, until } = recorded(watcher);
        watcher.once('change', () => watcher.stop());
        await until(2);
        await sleep(30);
        return events.map(([name]) => name);
      },
      leaves: true,
    },
    {
      name: 'stop during a pause',
      difference: 'watcher-stop',
      fallback: { reply: { status: 500, body: 'broken' } },
      run: async (etcd, { sleep }) => {
        const { setTimeout: original } = global;
        global.setTimeout = (work, ms, ...args) => original(work, Math.min(ms, 300), ...args);
        const watcher = etcd.watcher('k');
        // The first pause may be none.
        for (let i = 0; i < 2; i++) await new Promise((resolve) => watcher.once('reconnect', resolve));
        global.setTimeout = original;
        await sleep(5);
        watcher.stop();
        await sleep(450);
        return watcher.stopped;
      },
      leaves: true,
    },
    {
      name: 'a listener that throws',
      difference: 'watcher-throw',
      steps: [event(10), event(11)],
      fallback: held,
      run: async (etcd, { sleep, uncaughtDuring, within }) => {
        const seen = [];
        const uncaught = await uncaughtDuring(async () => {
          const watcher = etcd.watcher('k');
          const both = new Promise((resolve) => {
            watcher.on('change', ({ node }) => {
              if (seen.push(node.modifiedIndex) === 2) resolve();
              throw new Error(`thrown at ${node.modifiedIndex}`);
            });
          });
          await within(1000, both);
          await sleep(20);
          watcher.stop();
        });
        return { uncaught, seen };
      },
      leaves: true,
    },
    {
      name: 'an unexpected answer without a listener',
      difference: 'watcher-error',
      steps: [{ reply: { body: 'some text' } }],
      fallback: held,
      run: async (etcd, { sleep, uncaughtDuring, within }) => {
        const warnings = [];
        const onWarning = (warning) => warnings.push(warning.message);
        process.on('warning', onWarning);
        const uncaught = await uncaughtDuring(async () => {
          const watcher = etcd.watcher('k');
          await within(1000, new Promise((resolve) => process.once('warning', resolve)));
          await sleep(20);
          watcher.stop();
        });
        process.off('warning', onWarning);
        return { uncaught, warnings };
      },
      leaves: true,
    },
    {
      name: "the watcher and the caller's options",
      difference: 'options-changed',
      expected: { result: { recursive: true } },
      steps: [event(10)],
      fallback: held,
      run: async (etcd, { received }) => {
        const options = { recursive: true };
        const watcher = etcd.watcher('k', null, options);
        await received(2);
        watcher.stop();
        return options;
      },
    },
    {
      name: 'two watchers with the same options',
      difference: 'options-changed',
      anyOrder: true,
      steps: [
        { match: /one.*waitIndex=11/, times: 1, ...held },
        { match: /two.*waitIndex=21/, times: 1, ...held },
        { match: /one/, times: 1, ...event(10) },
        { match: /two/, times: 1, ...event(20) },
      ],
      fallback: held,
      run: async (etcd, { received, sleep }) => {
        const options = { recursive: true };
        const first = etcd.watcher('one', null, options);
        await received(2);
        const second = etcd.watcher('two', null, options);
        await received(3);
        await sleep(50);
        first.stop();
        second.stop();
      },
    },
    ...[[5], [undefined], [null], ['k', 5, 'options'], ['k', 'not a number']].map((args) => ({
      ...BAD_TYPE,
      name: `arguments: ${args.map((value) => (value === undefined ? 'undefined' : JSON.stringify(value))).join(', ')}`,
      fallback: held,
      run: async (etcd, { attempt, received }) => {
        const { returned, thrown } = attempt(() => etcd.watcher(...args));
        if (thrown) return { thrown };
        await received(1);
        returned.stop();
        return returned.index;
      },
    })),
    {
      name: 'its time limit when nothing happens',
      difference: 'watch-timeout',
      options: { timeout: 100 },
      steps: [
        {
          reply: {
            headers: { 'X-Etcd-Index': '9' },
            chunks: [{ data: JSON.stringify(event(10).reply.json), delayMs: 400 }],
          },
        },
      ],
      fallback: held,
      run: async (etcd, { within }) => {
        const watcher = etcd.watcher('k', 5);
        const { until } = recorded(watcher);
        const events = await within(3000, until(1), []);
        watcher.stop();
        return events.map(([name]) => name);
      },
      leaves: true,
    },
    {
      name: 'an index that the store is far from',
      difference: 'watch-replaced',
      steps: [{ match: /quorum=true/, reply: { headers: { 'X-Etcd-Index': '9' }, json: {} } }],
      fallback: { reply: { headers: { 'X-Etcd-Index': '9' }, chunks: [], hold: true } },
      run: async (etcd, { within }) => {
        const watched = new Promise((resolve) => etcd.watchIndex('k', 50, (err) => resolve(err?.errorCode)));
        return within(7000, watched, 'waits');
      },
      leaves: true,
    },
    {
      name: 'changes of a real etcd',
      etcd: true,
      hosts: '127.0.0.1:{etcd}',
      run: async (etcd, { call, sleep }) => {
        const index = (await call('set', 'w/start', 'x')).arguments[1].node.modifiedIndex;
        const watcher = etcd.watcher('w', index + 1, { recursive: true });
        const { events, until } = recorded(watcher);
        await call('set', 'w/a', '1');
        await call('set', 'w/a', '2', { prevExist: true });
        await call('compareAndSwap', 'w/a', '3', '2');
        await call('compareAndDelete', 'w/a', '3');
        await call('create', 'w/q', 'x');
        await call('del', 'w', { recursive: true });
        await call('set', 'w', null, { dir: true, ttl: 1 });
        await until(16);
        watcher.stop();
        await sleep(20);
        // Not the headers, which tell how far etcd was when a poll arrived.
        return events.map(([name, body]) => [name, body]);
      },
    },
  ],
};
