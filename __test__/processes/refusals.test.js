'use strict';

// A system that refuses what requests need of it: descriptors, threads, memory, a way to wait for events. It is an error of
// the requests, in whatever way they were made, and later ones do well.

const assert = require('node:assert/strict');
const { withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { refusingEnvironment } = require('../support/preload');
const { describe, test } = require('../support/test');

const server = withEtcd();

/** In the process under test: the outcome of a request, made in each way. */
const ASK = `
  const fs = require('node:fs');
  const { spawnSync } = require('node:child_process');
  const Etcd = require('.');
  const told = (err) => {
    const cause = err?.errors?.[0].httperror ?? err;
    return cause && [cause.code, cause.errno, cause.syscall].join(' ');
  };

  function watched(etcd) {
    const watcher = etcd.watcher('/');
    return new Promise((resolve) => {
      watcher.once('error', resolve);
      watcher.once('reconnect', ({ error }) => resolve(error));
      // What is registered without an error works.
      const look = setInterval(() => watcher.index !== null && resolve(null), 5);
      watcher.once('stop', () => clearInterval(look));
    }).then((err) => {
      watcher.stop();
      return told(err);
    });
  }

  async function ask(etcd) {
    return {
      sync: told(etcd.getSync('/').err),
      promise: await etcd.get('/').then(() => null, told),
      callback: await new Promise((resolve) => etcd.get('/', (err) => resolve(told(err)))),
      watcher: await watched(etcd),
    };
  }

  const print = (value) => console.log(JSON.stringify(value));
`;

const all = (outcome) => ({ sync: outcome, promise: outcome, callback: outcome, watcher: outcome });

describe('what the system refuses', {
  skip: process.platform !== 'linux' && 'for the linker and the limits of Linux',
}, () => {
  test('is EMFILE of every request without descriptors, until there are some', async () => {
    const source = `${ASK}
      (async () => {
        const etcd = new Etcd(process.argv[1]);
        const open = [];
        try {
          for (;;) open.push(fs.openSync('/dev/null'));
        } catch {}
        const without = [await ask(etcd), await ask(etcd)];
        open.forEach((file) => fs.closeSync(file));
        print([...without, await ask(etcd)]);
      })();`;
    const through = ['sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh'];
    const [first, second, later] = await printedBy(source, { args: [server.host], through });
    assert.deepEqual(first, all('EMFILE -24 epoll'));
    assert.deepEqual([second, later], [first, all(null)]);
  });

  const REFUSALS = [
    ['epoll_create1', 'EPERM', all('EPERM -1 epoll')],
    ['epoll_create1', 'ENOSYS', all('ENOSYS -38 epoll')],
    ['eventfd', 'EPERM', all('EPERM -1 epoll')],
    ['eventfd', 'EMFILE', all('EMFILE -24 epoll')],
    ['pthread_create', 'EAGAIN', { ...all('EAGAIN -11 pthread_create'), sync: null }],
    ['pthread_create', 'EPERM', { ...all('EPERM -1 pthread_create'), sync: null }],
  ];
  for (const [call, code, expected] of REFUSALS) {
    test(`is an error of every request that needs it, and may be had later: ${call}, by ${code}`, async (t) => {
      const env = refusingEnvironment();
      if (!env) return t.skip('there is no C compiler');
      const source = `${ASK}
        const refuse = require(process.env.REFUSING);
        const [host, call, code] = process.argv.slice(1);
        (async () => {
          const etcd = new Etcd(host);
          refuse(call, code);
          const refused = await ask(etcd);
          await etcd.close();
          refuse(call);
          print([refused, await ask(new Etcd(host))]);
        })();`;
      assert.deepEqual(await printedBy(source, { args: [server.host, call, code], env }), [expected, all(null)]);
    });
  }

  test('may be the thread that looks a name up: an error of that try', async (t) => {
    const env = refusingEnvironment();
    if (!env) return t.skip('there is no C compiler');
    const source = `${ASK}
      const refuse = require(process.env.REFUSING);
      (async () => {
        const host = process.argv[1].replace('127.0.0.1', 'localhost');
        // The background thread is there.
        await new Etcd(process.argv[1]).get('/');
        refuse('pthread_create', 'EAGAIN');
        const refused = await ask(new Etcd(host));
        refuse('pthread_create');
        print([refused, await ask(new Etcd(host))]);
      })();`;
    const told = await printedBy(source, { args: [server.host], env });
    assert.deepEqual(told, [all('EAGAIN -11 getaddrinfo'), all(null)]);
  });

  test('may be memory for a thread', async () => {
    const source = `${ASK}
      const limit = (as) => spawnSync('sh', ['-c', 'prlimit --pid ' + process.pid + ' --as=' + as + ':']).status;
      // The size is read while this process stands still, when what it takes for a first child is taken.
      const size = '$(cut -d " " -f 1 /proc/' + process.pid + '/statm) * 4096';
      const limitTo = (room) => limit('$((' + size + ' + ' + room + '))');
      (async () => {
        const etcd = new Etcd(process.argv[1]);
        const outcome = () => etcd.get('/').then(() => null, told);
        if (limitTo(32e6) !== 0) throw new Error('no limit');
        const refused = await outcome();
        limit('unlimited');
        print([refused, await outcome()]);
      })();`;
    // V8 gives up without memory for what is young, so that this does not grow.
    const told = await printedBy(source, { args: [server.host], execArgv: ['--max-semi-space-size=1'] });
    assert.deepEqual(told, ['ENOMEM -12 pthread_create', null]);
  });
});
