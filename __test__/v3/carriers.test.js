'use strict';

// What carries v2 on v3: connections, proxies, TLS, and what is said when nothing gets through.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3, startEtcd } = require('../../scripts/etcd');
const { makeCertificates } = require('../support/certificates');
const { cleanUp, keep } = require('../support/clean-up');
const { rejection, waitUntil } = require('../support/promises');
const { RawV3 } = require('../support/raw-v3');

const LOOPBACK = '127.0.0.1';

/** Starts a server on a free port for the time of a test: its `host:port`. */
async function listening(server) {
  const open = new Set();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  cleanUp(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `${LOOPBACK}:${server.address().port}`;
}

function joined(one, other) {
  one.pipe(other).pipe(one);
  one.on('error', () => other.destroy());
  other.on('error', () => one.destroy());
}

/** A way to etcd that counts the connections: all there were, and those that are open. */
async function counted(server) {
  const count = { all: 0, open: 0 };
  const way = net.createServer((socket) => {
    count.all += 1;
    count.open += 1;
    socket.on('close', () => {
      count.open -= 1;
    });
    joined(socket, net.connect(server.port, LOOPBACK));
  });
  return { host: await listening(way), count };
}

/** A proxy, and what it is asked for. */
async function proxy() {
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { host, pathname } = new URL(request.url);
    const [hostname, port] = host.split(':');
    const { method, headers } = request;
    const onwards = http.request({ hostname, port, path: pathname, method, headers }, (reply) => {
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    });
    onwards.on('error', () => response.destroy());
    request.pipe(onwards);
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host, port] = request.url.split(':');
    const onwards = net.connect(port, host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      joined(socket, onwards);
    });
    onwards.on('error', () => socket.destroy());
  });
  return { url: `http://${await listening(server)}`, asked };
}

const faultOf = async (call) => (await rejection(call)).errors[0].httperror;

describe('over gRPC', () => {
  let server;
  before(async () => {
    server = await startEtcd({ etcd: findEtcdV3() });
  });
  after(() => server?.stop());

  test('all calls of a client share one connection, and all its watchers another one', async () => {
    const { host, count } = await counted(server);
    const etcd = new Etcd(host, { api: 'v3', namespace: '/shared', maxSockets: 500 });
    const written = await Promise.all(Array.from({ length: 500 }, (_, i) => etcd.set(`a/${i}`, 'v')));
    assert.equal(count.all, 1);
    const next = Math.max(...written.map(({ node }) => node.modifiedIndex)) + 1;
    const told = new Map();
    const watchers = Array.from({ length: 500 }, (_, i) => keep(etcd.watcher(`a/${i}`, next)));
    watchers.forEach((watcher, i) => {
      watcher.on('change', ({ node }) => told.set(i, node.value));
    });
    await Promise.all(watchers.map((_, i) => etcd.set(`a/${i}`, String(i))));
    await waitUntil(() => told.size === 500);
    for (const [i, value] of told) assert.equal(value, String(i));
    assert.equal(count.all, 2);
  });

  test('Sync calls have a connection of their own, which is kept', async () => {
    const etcd = new Etcd(server.host, { api: 'v3', namespace: '/sync' });
    await etcd.set('k', '0');
    for (let i = 1; i <= 20; i += 1) {
      etcd.setSync('k', String(i));
      assert.equal(etcd.getSync('k').body.node.value, String(i));
    }
    assert.equal((await etcd.get('k')).node.value, '20');
  });

  test('close() ends the connections of calls', async () => {
    const { host, count } = await counted(server);
    const etcd = new Etcd(host, { api: 'v3', namespace: '/close' });
    await etcd.set('k', 'v');
    etcd.close();
    await waitUntil(() => count.open === 0);
  });

  test('a proxy is asked for a tunnel, to http hosts too', async () => {
    const { url, asked } = await proxy();
    const etcd = new Etcd(server.host, { api: 'v3', namespace: '/proxy', proxy: url });
    await etcd.set('k', 'v');
    assert.equal((await etcd.get('k')).node.value, 'v');
    assert.deepEqual(asked, [`CONNECT ${server.host}`]);
  });

  test('a proxy that is not there is named', async () => {
    const etcd = new Etcd(server.host, { api: 'v3', maxRetries: 0, proxy: `http://${LOOPBACK}:1` });
    const { code, message } = await faultOf(etcd.get('k'));
    assert.deepEqual([code, message], ['ECONNREFUSED', `connect ECONNREFUSED ${LOOPBACK}:1`]);
  });

  test('a server that speaks HTTP/1.1 alone is an error that names the option, in calls and watchers', async () => {
    const host = await listening(http.createServer((_, response) => response.end()));
    const etcd = new Etcd(host, { api: 'v3', maxRetries: 0 });
    const { message } = await faultOf(etcd.get('k'));
    assert.match(message, /does not speak HTTP\/2.*'v3-json'/);
    const [err] = await once(keep(etcd.watcher('k')), 'reconnect');
    assert.match(err.error.errors[0].httperror.message, /'v3-json'/);
  });
});

describe('over the JSON gateway', () => {
  let server;
  before(async () => {
    server = await startEtcd({ etcd: findEtcdV3() });
  });
  after(() => server?.stop());

  test('a proxy forwards the requests to http hosts', async () => {
    const { url, asked } = await proxy();
    const etcd = new Etcd(server.host, { api: 'v3-json', namespace: '/proxy', proxy: url });
    await etcd.set('k', 'v');
    assert.equal((await etcd.get('k')).node.value, 'v');
    assert.ok(
      asked.every((line) => line.startsWith(`POST http://${server.host}/v3/`)),
      asked.join(),
    );
    assert.ok(asked.length >= 2);
  });

  test('a server without the gateway is an error that says so', async () => {
    const host = await listening(http.createServer((_, response) => response.writeHead(404).end('404 page not found')));
    const { message } = await faultOf(new Etcd(host, { api: 'v3-json', maxRetries: 0 }).get('k'));
    assert.match(message, /Expected etcd's JSON gateway at http:.* HTTP status 404/);
  });
});

describe('over TLS', () => {
  let authority;
  let server;
  let url;
  const file = (name) => fs.readFileSync(authority.file(name));
  before(async () => {
    authority = makeCertificates();
    const named = (name) => authority.file(name);
    const tls = { cert: named('server.pem'), key: named('server-key.pem'), clientCa: named('ca.pem') };
    server = await startEtcd({ etcd: findEtcdV3(), tls });
    url = server.url;
  });
  after(async () => {
    await server?.stop();
    authority?.remove();
  });
  const mine = () => ({ ca: file('ca.pem'), cert: file('client.pem'), key: file('client-key.pem') });

  for (const api of ['v3', 'v3-json']) {
    test(`${api} shows its certificate and checks the server's`, async () => {
      const etcd = new Etcd(url, { api, namespace: `/tls-${api}`, ...mine() });
      const { node } = await etcd.set('k', 'v');
      assert.equal(etcd.getSync('k').body.node.value, 'v');
      const [change] = await once(keep(etcd.watcher('k', node.modifiedIndex)), 'change');
      assert.equal(change.node.value, 'v');
    });

    test(`${api} takes another name for the host`, async () => {
      const etcd = new Etcd(url, { api, namespace: `/name-${api}`, servername: 'localhost', ...mine() });
      assert.equal((await etcd.set('k', 'v')).node.value, 'v');
      const other = new Etcd(url, { api, maxRetries: 0, servername: 'other.example', ...mine() });
      assert.equal((await faultOf(other.get('k'))).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });

    test(`${api} trusts nobody unknown`, async () => {
      const { ca, ...unknowing } = mine();
      assert.ok(ca);
      const { code } = await faultOf(new Etcd(url, { api, maxRetries: 0, ...unknowing }).get('k'));
      assert.match(code, /UNABLE_TO|SELF_SIGNED/);
    });

    test(`${api} is told that a certificate is missing`, async () => {
      const { code } = await faultOf(new Etcd(url, { api, maxRetries: 0, ca: file('ca.pem') }).get('k'));
      // TLS 1.3 says so after the handshake, and a server that closes at once may reset the connection before that is read.
      assert.match(code, /^(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ECONNRESET)$/);
    });
  }
});

describe('with the name in a certificate as the user', () => {
  let authority;
  let server;
  const read = (name) => fs.readFileSync(authority.file(name));
  const mine = () => ({ ca: read('ca.pem'), cert: read('client.pem'), key: read('client-key.pem') });

  /** A call of v3's; with etcd's answer. */
  async function call(path, body = {}) {
    const request = https.request(`${server.url}/v3/${path}`, { method: 'POST', ...mine() });
    request.end(JSON.stringify(body));
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    assert.equal(response.statusCode, 200, path);
  }

  before(async () => {
    authority = makeCertificates();
    const named = (name) => authority.file(name);
    const tls = { cert: named('server.pem'), key: named('server-key.pem'), clientCa: named('ca.pem') };
    server = await startEtcd({ etcd: findEtcdV3(), tls });
    for (const name of ['root', 'client']) {
      await call('auth/user/add', { name, password: 'p' });
      await call('auth/role/add', { name });
      await call('auth/user/grant', { user: name, role: name });
    }
    const all = { permType: 'READWRITE', key: 'AA==', range_end: 'AA==' };
    await call('auth/role/grant', { name: 'client', perm: all });
    await call('auth/enable');
  });
  after(async () => {
    await server?.stop();
    authority?.remove();
  });

  test('gRPC needs no password', async () => {
    const etcd = new Etcd(server.url, { api: 'v3', maxRetries: 0, ...mine() });
    assert.equal((await etcd.set('k', 'v')).node.value, 'v');
  });

  test('the JSON gateway refuses, and the error names gRPC', async () => {
    const err = await rejection(new Etcd(server.url, { api: 'v3-json', maxRetries: 0, ...mine() }).get('k'));
    assert.equal(err.errorCode, 110);
    assert.match(err.error.cause, /gRPC takes them: api 'v3'/);
  });
});

describe('with users', () => {
  let server;
  before(async () => {
    server = await startEtcd({ etcd: findEtcdV3(), args: ['--auth-token-ttl', '1'] });
    const admin = new RawV3(server.url);
    await admin.call('auth/user/add', { name: 'root', password: 'r' });
    await admin.call('auth/role/add', { name: 'root' });
    await admin.call('auth/user/grant', { user: 'root', role: 'root' });
    await admin.call('auth/enable');
  });
  after(() => server?.stop());

  for (const api of ['v3', 'v3-json']) {
    test(`a token that expires is renewed for all that wait, over ${api}`, async () => {
      const auth = { user: 'root', pass: 'r' };
      const etcd = new Etcd(server.host, { api, namespace: `/token-${api}`, maxRetries: 0, auth });
      const { node: first } = await etcd.set('k', '0');
      // That a token has expired is seen by a call with it alone, which else makes it last longer: so it is that of another
      // client, as old, and looked at rarely.
      const admin = new RawV3(server.url);
      const { token } = await admin.call('auth/authenticate', { name: 'root', password: 'r' });
      await waitUntil(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return isRefused(server, token);
      });
      await Promise.all(Array.from({ length: 20 }, (_, i) => etcd.set(`k${i}`, 'v')));
      const watcher = keep(etcd.watcher('k', first.modifiedIndex + 1));
      await etcd.set('k', '1');
      const [{ node }] = await once(watcher, 'change');
      assert.equal(node.value, '1');
    });

    test(`a wrong password is error 110, and not told, over ${api}`, async () => {
      const auth = { user: 'root', pass: 'geheim' };
      const err = await rejection(new Etcd(server.host, { api, maxRetries: 0, auth }).get('k'));
      assert.equal(err.errorCode, 110);
      assert.doesNotMatch(JSON.stringify(err), /geheim/);
    });
  }
});

/** Whether etcd takes a token no more. */
async function isRefused(server, token) {
  const body = JSON.stringify({ key: 'aw==' });
  const reply = await fetch(`${server.url}/v3/kv/range`, { method: 'POST', headers: { authorization: token }, body });
  return reply.status === 401;
}
