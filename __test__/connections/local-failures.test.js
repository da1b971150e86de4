'use strict';

// Connections that this machine does not let come about. What Node says of the same connection is held against it.

const assert = require('node:assert/strict');
const { withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { ownNetwork } = require('../support/own-network');
const { refusingEnvironment } = require('../support/preload');
const { describe, test } = require('../support/test');

const server = withEtcd();

/** In the process under test: what becomes of a connection, told by Node and by clients, by promise and by Sync. */
const COMPARE = `
  const fs = require('node:fs');
  const net = require('node:net');
  const Etcd = require('.');

  function told({ message, code, errno, syscall, address, port, hostname }) {
    // Node adds the address of its own socket, if there is one.
    return { message: message.replace(/ - Local \\(.*/, ''), code, errno, syscall, address, port, hostname };
  }

  /** The only failure: nothing was tried again. */
  function toldBy(err) {
    if (err === null) return 'no error';
    if (err.errors?.length !== 1 || err.retries !== 0) return { odd: String(err), errors: err.errors?.length };
    return told(err.errors[0].httperror);
  }

  async function compare(host, port, options = {}, etcd = new Etcd(host.includes(':') ? '[' + host + ']:' + port : host + ':' + port, options)) {
    const node = await new Promise((resolve) => {
      const socket = net.connect({ host, port, autoSelectFamily: false, ...options });
      socket.on('error', (error) => resolve(told(error)));
      socket.on('connect', () => socket.destroy(resolve('no error')));
    });
    return { node, sync: toldBy(etcd.getSync('a').err), promise: await etcd.get('a').then(() => 'no error', toldBy) };
  }
`;

function assertAsInNode({ node, sync, promise }, code) {
  assert.equal(node.code, code);
  assert.deepEqual(sync, node);
  assert.deepEqual(promise, node);
}

describe('an own address', () => {
  for (const [localAddress, code] of Object.entries({ '192.0.2.9': 'EADDRNOTAVAIL', '::1': 'EINVAL' })) {
    test(`such as ${localAddress} that cannot be had is ${code} of bind, as in Node`, async () => {
      const [host, port] = server.host.split(':');
      const source = `${COMPARE}
        const [host, port, localAddress] = process.argv.slice(1);
        compare(host, Number(port), { localAddress }).then((told) => console.log(JSON.stringify(told)));`;
      assertAsInNode(await printedBy(source, { args: [host, port, localAddress] }), code);
    });
  }
});

test('port 0 is ECONNREFUSED, as in Node', { skip: process.platform !== 'linux' && 'as Linux says it' }, async () => {
  const source = `${COMPARE}
    compare('127.0.0.1', 0, { maxRetries: 0 }).then((told) => console.log(JSON.stringify(told)));`;
  assertAsInNode(await printedBy(source), 'ECONNREFUSED');
});

describe('a network', () => {
  const ADDRESSES = {
    '198.51.100.1': 'EHOSTUNREACH',
    '198.51.100.2': 'EINVAL',
    '198.51.100.3': 'EACCES',
    '203.0.113.1': 'ENETUNREACH',
    '255.255.255.255': 'ENETUNREACH',
    'fe80::1': 'EINVAL',
  };
  const SET_UP = [
    'ip link set lo up',
    'ip route add unreachable 198.51.100.1',
    'ip route add blackhole 198.51.100.2',
    'ip route add prohibit 198.51.100.3',
  ].join(' && ');
  const network = ownNetwork(SET_UP);

  test('that lets nobody through is told as Node tells it, and is no election', {
    skip: !network && 'unshare and ip cannot make a network here',
  }, async () => {
    const source = `${COMPARE}
      (async () => {
        const told = [];
        for (const address of process.argv.slice(1)) told.push(await compare(address, 2379));
        console.log(JSON.stringify(told));
      })();`;
    const through = [...network, 'sh', '-c', `${SET_UP} && exec "$@"`, 'sh'];
    const told = await printedBy(source, { args: Object.keys(ADDRESSES), through });
    Object.values(ADDRESSES).forEach((code, i) => {
      assertAsInNode(told[i], code);
    });
  });
});

describe('a system', { skip: process.platform !== 'linux' && 'for the linker and the limits of Linux' }, () => {
  const REFUSALS = {
    socket: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM', 'EAFNOSUPPORT', 'EINVAL'],
    bind: ['EADDRNOTAVAIL', 'EADDRINUSE', 'EACCES', 'EINVAL'],
    connect: [
      ['EPERM', 'EACCES', 'EINVAL', 'EADDRNOTAVAIL', 'EADDRINUSE', 'ENOBUFS', 'EAGAIN'],
      ['ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH', 'ETIMEDOUT', 'ECONNABORTED'],
    ].flat(),
  };

  test('that refuses a call is told as Node tells it, and is no election', async (t) => {
    const env = refusingEnvironment();
    if (!env) return t.skip('there is no C compiler');
    const source = `${COMPARE}
      const refuse = require(process.env.REFUSING);
      const [host, port, refusals] = process.argv.slice(1);
      (async () => {
        const told = {};
        for (const [call, codes] of Object.entries(JSON.parse(refusals))) {
          for (const code of codes) {
            const options = call === 'bind' ? { localAddress: '127.0.0.1' } : {};
            const etcd = new Etcd(host + ':' + port, options);
            refuse(call, code);
            told[call + ' ' + code] = await compare(host, Number(port), options, etcd);
            refuse(call);
            const works = etcd.getSync('/').err === null && (await etcd.get('/')).node.dir;
            if (!works) throw new Error('does not work again after ' + call + ' ' + code);
          }
        }
        console.log(JSON.stringify(told));
      })();`;
    const args = [...server.host.split(':'), JSON.stringify(REFUSALS)];
    const told = await printedBy(source, { args, env });
    assert.equal(Object.keys(told).length, Object.values(REFUSALS).flat().length);
    for (const [name, each] of Object.entries(told)) assertAsInNode(each, name.split(' ')[1]);
  });

  for (const host of ['127.0.0.1', 'localhost']) {
    test(`that has no descriptors left for ${host} is told as Node tells it, and works again later`, async () => {
      const source = `${COMPARE}
        const [host, port] = process.argv.slice(1);
        (async () => {
          const etcd = new Etcd(host + ':' + port);
          const before = [etcd.getSync('/').err, (await etcd.get('/')).node.dir];
          // They wait, so that their connections are no kept ones.
          await etcd.close();
          const client = new Etcd(host + ':' + port);
          const open = [];
          try {
            for (;;) open.push(fs.openSync('/dev/null'));
          } catch {}
          const told = await compare(host, Number(port), {}, client);
          open.forEach((file) => fs.closeSync(file));
          const later = [client.getSync('/').err, (await client.get('/')).node.dir];
          console.log(JSON.stringify({ before, told, later }));
        })();`;
      const through = ['sh', '-c', 'ulimit -n 64 && exec "$@"', 'sh'];
      const { before, told, later } = await printedBy(source, {
        args: [host, server.host.split(':')[1]],
        through,
      });
      assert.deepEqual([before, later], Array(2).fill([null, true]));
      assertAsInNode(told, told.node.code);
      if (host === '127.0.0.1') assert.equal(told.node.code, 'EMFILE');
    });
  }
});
