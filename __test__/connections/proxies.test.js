'use strict';

// Requests through a real proxy to a real etcd. Which of them go to a proxy is compared in differential/cases/proxies.js.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Etcd = require('../..');
const { makeCertificates } = require('../support/certificates');
const { connectTo, freshPrefix, startEtcd, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { called, rejection } = require('../support/promises');
const { after, afterEach, before, beforeEach, describe, test } = require('../support/test');
const { startTinyproxy, whyNoTinyproxy } = require('../support/tinyproxy');

const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const USER = { user: 'jo', password: 'open_sesame' };
const skip = whyNoTinyproxy();

describe('through a proxy', { skip, timeout: 120_000 }, () => {
  const environment = { ...process.env };
  const plain = withEtcd();
  const secure = {};
  let certificates;
  let open;
  let guarded;

  before(async () => {
    certificates = makeCertificates();
    const tls = { cert: certificates.file('server.pem'), key: certificates.file('server-key.pem') };
    secure.server = await startEtcd({ tls });
    secure.ca = certificates.read('ca.pem');
    open = await startTinyproxy();
    guarded = await startTinyproxy({ [USER.user]: USER.password });
  });
  after(async () => {
    await Promise.all([secure.server, open, guarded].map((server) => server?.stop()));
    certificates?.remove();
  });
  beforeEach(() => {
    for (const name of VARIABLES) delete process.env[name];
  });
  afterEach(() => {
    for (const name of VARIABLES) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
  });

  /** What the proxy was asked meanwhile. */
  async function askedDuring(work, which = open) {
    const before = which.requests().length;
    await work();
    return which.requests().slice(before);
  }

  const withUser = (user, password) => guarded.url.replace('//', `//${user}:${password}@`);

  /** Every way to ask: a write, a read by callback, a Sync call, a watch. */
  async function exercise(host, options) {
    const etcd = connectTo(host, options);
    const key = freshPrefix('proxy');
    const { node } = await etcd.set(key, 'a value', { ttl: 60 });
    const [err, body] = await called((done) => etcd.get(key, done));
    assert.deepEqual([err, body.node.value], [null, 'a value']);
    const answer = etcd.getSync(key);
    assert.deepEqual([answer.err, answer.body.node.value], [null, 'a value']);
    const watcher = etcd.watcher(key, node.modifiedIndex);
    try {
      const [event] = await once(watcher, 'change');
      assert.equal(event.node.value, 'a value');
      const next = once(watcher, 'change');
      await etcd.set(key, 'another value');
      assert.equal((await next)[0].node.value, 'another value');
    } finally {
      watcher.stop();
    }
    return key;
  }

  /** Of its kinds of requests, each must have gone to the proxy. */
  function assertProxied(asked, url, key) {
    const target = `${url}/v2/keys/${key}`;
    for (const start of [`PUT ${target}?ttl=60`, `GET ${target}`, `GET ${target}?`, `PUT ${target}`]) {
      assert.ok(
        asked.some((line) => line.startsWith(start)),
        `no ${start} in ${asked.join(', ')}`,
      );
    }
    assert.equal(asked.filter((line) => line === `GET ${target}`).length, 2, 'an asynchronous and a Sync read');
  }

  const ways = {
    HTTP_PROXY: () => {
      process.env.HTTP_PROXY = open.url;
    },
    http_proxy: () => {
      process.env.http_proxy = open.url;
    },
    'the option proxy': () => ({ proxy: open.url }),
    'the option proxy, whatever NO_PROXY says': () => {
      process.env.NO_PROXY = '*';
      return { proxy: open.url };
    },
  };
  for (const [what, use] of Object.entries(ways)) {
    test(`go requests over http with ${what}: asynchronous, Sync and watches`, async () => {
      let key;
      const asked = await askedDuring(async () => {
        key = await exercise(plain.host, use());
      });
      assertProxied(asked, plain.url, key);
    });
  }

  const secureWays = {
    HTTPS_PROXY: () => {
      process.env.HTTPS_PROXY = open.url;
    },
    'HTTP_PROXY alone': () => {
      process.env.HTTP_PROXY = open.url;
    },
    'the option proxy': () => ({ proxy: open.url }),
    'the options proxy and tunnel': () => ({ proxy: open.url, tunnel: true }),
  };
  for (const [what, use] of Object.entries(secureWays)) {
    test(`go requests over https with ${what}, unseen by it`, async () => {
      const all = await askedDuring(() => exercise(secure.server.url, { ca: secure.ca, ...use() }));
      // The proxy may log only now how a request of another test ended.
      const asked = all.filter((line) => !line.includes(plain.host));
      assert.ok(asked.length >= 2, 'a connection of the asynchronous requests and one of the Sync calls');
      assert.deepEqual(new Set(asked), new Set([`CONNECT ${secure.server.host}`]));
    });
  }

  test('an https server is verified all the same', async () => {
    const etcd = connectTo(secure.server.url, { proxy: open.url, maxRetries: 0 });
    const asked = await askedDuring(async () => {
      for (const err of [await rejection(etcd.get('k')), etcd.getSync('k').err]) {
        assert.equal(err.errors[0].httperror.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      }
    });
    assert.deepEqual(asked, Array(2).fill(`CONNECT ${secure.server.host}`));
  });

  test('go only the requests made while the environment names it', async () => {
    const etcd = connectTo(plain.host);
    const asked = await askedDuring(async () => {
      await etcd.version();
      process.env.HTTP_PROXY = open.url;
      await etcd.version();
      etcd.raw('GET', 'version', null, { synchronous: true });
      delete process.env.HTTP_PROXY;
      await etcd.version();
    });
    assert.deepEqual(asked, Array(2).fill(`GET ${plain.url}/version`));
  });

  test('goes nothing that NO_PROXY names, nor anything with a proxy of null', async () => {
    Object.assign(process.env, { HTTP_PROXY: open.url, HTTPS_PROXY: open.url });
    const asked = await askedDuring(async () => {
      await exercise(plain.host, { proxy: null });
      for (const list of ['127.0.0.1', `other.example, 127.0.0.1:${plain.port}`, '*', '.0.0.1']) {
        process.env.NO_PROXY = list;
        await exercise(plain.host);
      }
      process.env.NO_PROXY = '127.0.0.1';
      await exercise(secure.server.url, { ca: secure.ca });
    });
    assert.deepEqual(asked, []);
    process.env.NO_PROXY = '127.0.0.1:1,localhost';
    assert.equal((await askedDuring(() => connectTo(plain.host).version())).length, 1);
  });

  test('goes who has its password, over http and https', async () => {
    const url = withUser(USER.user, USER.password);
    const asked = await askedDuring(async () => {
      await exercise(plain.host, { proxy: url });
      await exercise(secure.server.url, { ca: secure.ca, proxy: url });
      Object.assign(process.env, { HTTP_PROXY: url, HTTPS_PROXY: url });
      await exercise(plain.host);
      await exercise(secure.server.url, { ca: secure.ca });
    }, guarded);
    assert.ok(asked.some((line) => line.startsWith(`PUT ${plain.url}`)));
    assert.ok(asked.includes(`CONNECT ${secure.server.host}`));
  });

  for (const [what, url, status] of [
    ['with a wrong password', () => withUser(USER.user, 'wrong'), 401],
    ['without one', () => guarded.url, 407],
  ]) {
    test(`goes nobody ${what}, over http: the proxy's answer is in the error`, async () => {
      const etcd = connectTo(plain.host, { proxy: url() });
      const [byCallback] = await called((done) => etcd.set('k', 'v', done));
      for (const err of [byCallback, await rejection(etcd.get('k')), etcd.getSync('k').err]) {
        assert.deepEqual([err.code, err.httpstatus], ['ERR_NOT_ETCD', status]);
        assert.match(err.httpbody, /tinyproxy/i);
        assert.ok(!err.message.includes('wrong'));
      }
      assert.equal((await rejection(connectTo(plain.host).get(freshPrefix('k')))).errorCode, 100);
    });

    test(`goes nobody ${what}, over https: no tunnel`, async () => {
      const etcd = connectTo(secure.server.url, { ca: secure.ca, proxy: url(), maxRetries: 0 });
      for (const err of [await rejection(etcd.set('k', 'v')), etcd.setSync('k', 'v').err]) {
        const { httperror } = err.errors[0];
        assert.equal(httperror.code, 'ECONNRESET');
        assert.match(httperror.message, /^tunneling socket could not be established/);
        assert.ok(!httperror.message.includes('wrong'));
      }
    });
  }

  test('comes the error of a server that cannot be reached', async () => {
    const options = { proxy: open.url, maxRetries: 0 };
    const { errors } = await rejection(new Etcd('127.0.0.1:1', options).get('k'));
    assert.equal(errors[0].httpstatus, 500);
    assert.match(errors[0].httpbody, /Unable to connect/);
  });

  test('goes a process whose environment named it from the start', async () => {
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1]);
      etcd.set('k', 'v', (err, body) => console.log(JSON.stringify([err, body.node.value, etcd.getSync('k').body.node.value])));`;
    const asked = await askedDuring(async () => {
      const env = { http_proxy: open.url };
      assert.deepEqual(await printedBy(source, { args: [plain.host], env }), [null, 'v', 'v']);
    });
    assert.deepEqual(asked, [`PUT ${plain.url}/v2/keys/k`, `GET ${plain.url}/v2/keys/k`]);
  });
});
