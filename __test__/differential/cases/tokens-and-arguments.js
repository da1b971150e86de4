'use strict';

// What methods return, and what they do with their arguments.

const held = { stall: true };
/** Of etcd, to whatever was asked. */
const ANSWER = { action: 'get', node: { key: '/k', value: 'v' } };

/** Every asynchronous method, with arguments that are enough. */
const METHODS = {
  set: ['k', 'v'],
  get: ['k'],
  create: ['d', 'v'],
  post: ['d', 'v'],
  del: ['k'],
  delete: ['k'],
  mkdir: ['d'],
  rmdir: ['d'],
  compareAndSwap: ['k', 'new', 'old'],
  testAndSet: ['k', 'new', 'old'],
  compareAndDelete: ['k', 'old'],
  testAndDelete: ['k', 'old'],
  raw: ['GET', 'version', null],
  watch: ['k'],
  watchIndex: ['k', 7],
};
const INFORMATION = ['machines', 'leader', 'leaderStats', 'selfStats', 'version'];
const CHANGED = ['mkdir', 'rmdir', 'compareAndSwap', 'compareAndDelete', 'watch', 'watchIndex'];

const BAD_TYPE = { difference: 'bad-arguments', expected: { thrown: 'ERR_INVALID_ARG_TYPE', wire: [] } };
const UNKNOWN = { difference: 'unknown-options', expected: { thrown: 'ERR_INVALID_ARG_VALUE', wire: [] } };

module.exports = {
  title: 'tokens and arguments',
  cases: [
    {
      name: 'a replaced watch is not used by the watchers of its object',
      steps: [held],
      run: (etcd) => {
        const names = [];
        etcd.watch = (name) => {
          names.push(name);
          return { abort: () => {} };
        };
        etcd.watcher('k').stop();
        return names;
      },
      compares: ['result'],
      difference: 'watcher-native',
      expected: { result: [] },
      theirs: { result: ['k'] },
    },
    {
      name: 'the state of a token before the answer',
      steps: [held],
      run: async (etcd, { received }) => {
        const token = etcd.get('k', () => {});
        await received(1);
        const { servers, maxRetries, retries, errors, aborted } = token;
        const state = {
          servers,
          maxRetries,
          retries,
          errors,
          aborted,
          isAborted: token.isAborted(),
          was: token.wasAborted(),
        };
        const returned = token.abort();
        return [state, returned, token.aborted, token.isAborted(), token.wasAborted()];
      },
    },
    {
      name: 'fields of a token',
      steps: [held],
      run: async (etcd, { received }) => {
        const token = etcd.get('k', () => {});
        await received(1);
        token.abort();
        const own = ['servers', 'maxRetries', 'retries', 'errors', 'aborted', 'abort', 'isAborted'];
        const present = own.map((name) => [name, typeof token[name], Object.hasOwn(token, name)]);
        return [present, typeof token.cancel, typeof token.wasAborted, token.constructor.name];
      },
    },
    {
      name: 'the request object in a token',
      difference: 'request-objects',
      compares: ['result'],
      run: (etcd) => typeof etcd.get('k', () => {}).req,
      expected: { result: 'undefined' },
      theirs: { result: 'object' },
      leaves: true,
    },
    {
      name: 'setRequest of a token',
      difference: 'request-objects',
      expected: { result: 'undefined' },
      theirs: { result: 'function' },
      run: async (etcd) => {
        const token = etcd.get('k', () => {});
        token.abort();
        return typeof token.setRequest;
      },
    },
    {
      name: 'fields of a token can be changed',
      steps: [held],
      run: async (etcd, { received }) => {
        const token = etcd.get('k', () => {});
        await received(1);
        token.abort();
        const fields = { servers: ['x'], maxRetries: 9, retries: 5, errors: [1], aborted: false };
        Object.assign(token, fields, { own: 1, abort: () => 'mine' });
        return [...Object.keys(fields), 'own'].map((name) => token[name]).concat(token.abort(), token.isAborted());
      },
    },
    {
      name: 'abort and isAborted are bound',
      steps: [held],
      run: async (etcd, { received }) => {
        const { abort, isAborted } = etcd.get('k', () => {});
        await received(1);
        abort();
        return isAborted();
      },
    },
    {
      name: 'cancel is abort',
      steps: [held],
      run: async (etcd, { received }) => {
        const token = etcd.get('k', () => {});
        await received(1);
        return [token.cancel(), token.isAborted()];
      },
    },
    {
      name: 'after an abort the callback is not called',
      steps: [held],
      run: async (etcd, { received, sleep }) => {
        let called = 0;
        const token = etcd.get('k', () => {
          called += 1;
        });
        await received(1);
        token.abort();
        token.abort();
        await sleep(30);
        return called;
      },
    },
    {
      name: 'an abort right after the call: nothing is sent',
      run: async (etcd, { call }) => {
        let called = 0;
        const count = () => {
          called += 1;
        };
        for (let i = 0; i < 20; i++) etcd.set('aborted', 'v', count).abort();
        await call('get', 'next');
        return called;
      },
    },
    {
      name: 'an abort in the callback, and after the end',
      run: (etcd) =>
        new Promise((resolve) => {
          let calls = 0;
          const token = etcd.get('k', () => {
            calls += 1;
            token.abort();
            setImmediate(() => {
              token.abort();
              resolve([calls, token.isAborted()]);
            });
          });
        }),
    },
    {
      name: 'an abort while a body comes',
      steps: [{ reply: { chunks: ['{"a'], hold: true } }],
      run: async (etcd, { received, sleep }) => {
        let called = 0;
        const token = etcd.get('k', () => {
          called += 1;
        });
        await received(1);
        await sleep(30);
        token.abort();
        await sleep(30);
        return called;
      },
    },
    {
      name: 'a retry wait after an abort',
      difference: 'abort-wait',
      expected: { result: 0 },
      theirs: { result: 1 },
      env: { RUNNING_UNIT_TESTS: undefined },
      fallback: { close: true },
      run: async (_, { received, sleep, Etcd, places }) => {
        const client = new Etcd(`127.0.0.1:${places.a}`);
        await sleep(1); // the runner has its own timer by now
        const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
        const before = timers();
        const token = client.get('k', () => {});
        await received(1);
        while (token.retries < 2) await sleep(5); // from now on, a wait of more than a second
        token.abort();
        await sleep(5);
        return timers() - before;
      },
      leaves: true,
    },
    ...Object.entries(METHODS).map(([method, args]) => ({
      name: `${method} leaves out options, callback, or both`,
      run: async (etcd, { call, received }) => {
        const outcomes = [await call(method, ...args)];
        outcomes.push(await call(method, ...args, null), await call(method, ...args, undefined));
        outcomes.push(await call(method, ...args, {}), await call(method, ...args, { recursive: true }));
        const tokens = [etcd[method](...args)];
        await received(6);
        tokens.push(etcd[method](...args, { sorted: true }));
        await received(7);
        tokens.push(etcd[method](...args, null, undefined));
        await received(8);
        await call('get', 'end');
        return [outcomes, tokens.map((token) => typeof token.abort)];
      },
    })),
    ...INFORMATION.map((method) => ({
      name: `${method} with and without callback`,
      run: async (etcd, { call, received }) => {
        const outcome = await call(method);
        const token = etcd[method]();
        await received(2);
        await call('get', 'end');
        return [outcome, typeof token.abort];
      },
    })),
    {
      name: 'version with options',
      difference: 'information-options',
      call: ['version', { a: 1 }],
      expected: { wire: ['GET /version?a=1'] },
      theirs: { result: { died: true } },
    },
    ...CHANGED.map((method) => ({
      name: `${method} and the caller's options`,
      difference: 'options-changed',
      expected: { result: { ttl: 5 } },
      run: async (_, { call }) => {
        const options = { ttl: 5 };
        await call(method, ...METHODS[method], options);
        return options;
      },
    })),
    {
      name: "set, get, del and raw leave the caller's options alone",
      run: async (_, { call }) => {
        const options = { ttl: 5, maxRetries: 1 };
        for (const method of ['set', 'get', 'create', 'del', 'raw']) await call(method, ...METHODS[method], options);
        return options;
      },
    },
    {
      name: "Sync methods leave the caller's options alone",
      run: (_, { sync }) => {
        const options = { ttl: 5 };
        sync('setSync', 'k', 'v', options);
        sync('getSync', 'k', options);
        sync('delSync', 'k', options);
        sync('mkdirSync', 'd', options);
        sync('rmdirSync', 'd', options);
        return options;
      },
    },
    ...CHANGED.map((method) => ({
      name: `${method} with frozen options`,
      difference: 'options-changed',
      call: [method, ...METHODS[method], Object.freeze({ ttl: 5 })],
    })),
    {
      name: 'options that two calls share',
      difference: 'options-changed',
      run: async (_, { call }) => {
        const options = { recursive: true };
        return [await call('watch', 'k', options), await call('get', 'k', options)];
      },
    },
    ...Object.entries(METHODS)
      .filter(([method]) => !['raw'].includes(method))
      .map(([method, [, ...rest]]) => ({ name: `${method} of a number`, call: [method, 5, ...rest], ...BAD_TYPE })),
    {
      name: 'a callback that is no function',
      ...BAD_TYPE,
      run: async (etcd, { attempt, sleep, uncaughtDuring, within }) => {
        let outcome;
        const uncaught = await uncaughtDuring(async (errors) => {
          outcome = attempt(() => typeof etcd.get('k', {}, 'callback'));
          const someError = async () => {
            while (errors.length === 0) await sleep(5);
          };
          if (!outcome.thrown) await within(1000, someError());
        });
        return { ...outcome, uncaught };
      },
      leaves: true,
    },
    {
      name: 'methods are found on the prototype and use this',
      run: async (_, { Etcd, call, outcomeOf, etcd }) => {
        const seen = [];
        etcd.set = function set(...args) {
          seen.push(args.slice(0, 2));
          return Etcd.prototype.set.apply(this, args);
        };
        etcd.get = function get(...args) {
          seen.push(args.slice(0, 1));
          return Etcd.prototype.get.apply(this, args);
        };
        await call('mkdir', 'd');
        await call('compareAndSwap', 'k', 'new', 'old');
        await call('watch', 'k');
        const { get } = Etcd.prototype;
        const unbound = await outcomeOf((callback) => get('k', callback));
        return [seen, 'thrown' in unbound];
      },
    },
    {
      name: 'inherited by util.inherits',
      run: async (_, { Etcd, attempt, places }) => {
        const { inherits } = require('node:util');
        function Child(...args) {
          Etcd.apply(this, args);
        }
        inherits(Child, Etcd);
        const { returned: child, thrown } = attempt(() => new Child(`127.0.0.1:${places.a}`));
        if (thrown) return { thrown };
        const args = await new Promise((resolve) => child.get('k', (...list) => resolve(list)));
        return [child instanceof Etcd, child.getHosts(), args];
      },
    },
    {
      name: 'the names on the prototype',
      run: (_, { Etcd }) =>
        Object.keys(Etcd.prototype)
          .filter((name) => !name.startsWith('_'))
          .sort(),
    },
    {
      name: 'how many arguments each method names',
      run: (etcd, { Etcd }) =>
        Object.keys(Etcd.prototype)
          .filter((name) => !name.startsWith('_') && ![...INFORMATION, 'watcher'].includes(name))
          .map((name) => [name, etcd[name].length])
          .sort(),
    },
    {
      name: 'own fields of a client',
      difference: 'password-shown',
      run: (etcd) => Object.keys(etcd).sort(),
    },
    {
      name: 'the callback comes in the order of the answers',
      steps: [{ delayMs: 400, reply: { json: { ...ANSWER, n: 1 } } }, { reply: { json: { ...ANSWER, n: 2 } } }],
      run: async (etcd, { received }) => {
        const order = [];
        const first = new Promise((resolve) => etcd.get('one', (_, body) => resolve(order.push(body.n))));
        await received(1);
        const second = new Promise((resolve) => etcd.get('two', (_, body) => resolve(order.push(body.n))));
        await Promise.all([first, second]);
        return order;
      },
    },
    {
      name: 'callbacks have the async context of the call',
      run: (etcd) => {
        const { AsyncLocalStorage } = require('node:async_hooks');
        const storage = new AsyncLocalStorage();
        return storage.run('context', () => new Promise((resolve) => etcd.get('k', () => resolve(storage.getStore()))));
      },
    },
    {
      name: 'microtasks run between two callbacks',
      compares: ['result'],
      run: (etcd) =>
        new Promise((resolve) => {
          const order = [];
          const done = (name) => () => {
            order.push(name);
            Promise.resolve().then(() => order.push('microtask'));
            if (order.length >= 3) setImmediate(() => resolve([order[1], order.length]));
          };
          etcd.get('a', done('callback'));
          etcd.get('b', done('callback'));
        }),
    },
    {
      name: 'connections of ten requests one after the other',
      difference: 'connections',
      compares: ['connections'],
      expected: { connections: { a: 1 } },
      theirs: { connections: { a: 10 } },
      run: async (_, { call }) => {
        for (let i = 0; i < 10; i++) await call('get', `k${i}`);
      },
    },
    {
      name: 'a hundred and twenty requests at once, all are answered',
      run: async (_, { call }) => {
        const outcomes = await Promise.all(Array.from({ length: 120 }, () => call('get', 'k')));
        return [outcomes.length, new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size];
      },
    },
    {
      name: 'a hundred watches and a request',
      difference: 'connections',
      compares: ['result'],
      theirs: { result: 'blocked' },
      fallback: { reply: { json: ANSWER } },
      steps: [{ match: /wait=true/, times: 1000, stall: true }],
      run: async (etcd, { call, received, within }) => {
        const tokens = Array.from({ length: 100 }, () => etcd.watch('k', () => {}));
        await received(100);
        const outcome = await within(1000, call('get', 'other'), 'blocked');
        for (const token of tokens) token.abort();
        return outcome;
      },
      leaves: true,
    },
    ...Object.entries({
      strange: 1,
      jar: true,
      method: 'PUT',
      time: true,
      encoding: 'latin1',
      json: false,
      baseUrl: 'http://h',
      agent: {},
      agentClass: class {},
      lookup: () => {},
      family: 4,
      httpModules: {},
      jsonReviver: () => {},
      har: {},
      oauth: {},
      aws: {},
      hawk: {},
      httpSignature: {},
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      secureProtocol: 'TLSv1_2_method',
      secureOptions: 0,
      checkServerIdentity: () => undefined,
      crt: 'no such option',
      form: { a: 1 },
      body: 'text',
      qs: { a: 1 },
      path: '/elsewhere',
      url: 'http://127.0.0.1:1',
      uri: 'http://127.0.0.1:1',
      host: '127.0.0.1',
      port: 1,
      timeOut: 5,
    }).map(([name, value]) => ({
      name: `constructor options: ${name}`,
      options: { [name]: value },
      call: ['get', 'k'],
      ...UNKNOWN,
    })),
    ...['strange', 'lookup', 'headers'].map((name) => ({
      name: `constructor options: ${name} of undefined`,
      options: { [name]: undefined },
      call: ['get', 'k'],
    })),
    { name: 'constructor options of null', options: null, call: ['get', 'k'] },
    ...['text', 5, true].map((options) => ({
      name: `constructor options of ${JSON.stringify(options)}`,
      options,
      call: ['get', 'k'],
      difference: 'bad-arguments',
      expected: { thrown: 'ERR_INVALID_ARG_TYPE', wire: [] },
    })),
    {
      name: "the constructor's options are left alone",
      run: async (_, { Etcd, outcomeOf, places }) => {
        const options = { timeout: 5000, headers: { 'x-own': '1' } };
        const etcd = new Etcd(`127.0.0.1:${places.a}`, options);
        await outcomeOf((callback) => etcd.get('k', callback));
        return options;
      },
    },
  ],
};
