'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const Etcd = require('..');
const { printedBy, rejection } = require('./support/calls');
const { freshPrefix, startEtcd } = require('./support/etcd');

/** Certificates made by openssl in a temporary folder. */
class Authority {
  constructor(name) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-tls-'));
    this.key('ca');
    const extensions = ['basicConstraints=critical,CA:true', 'keyUsage=critical,keyCertSign'];
    const addExtensions = extensions.flatMap((text) => ['-addext', text]);
    this.openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      ...addExtensions,
    );
  }

  openssl(...args) {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  key(name, curve = 'prime256v1') {
    this.openssl('ecparam', '-name', curve, '-genkey', '-noout', '-out', `${name}.key`);
  }

  /** Makes <name>.pem and <name>.key. */
  issue(name, extensions, curve) {
    this.key(name, curve);
    fs.writeFileSync(path.join(this.folder, `${name}.ext`), extensions.join('\n'));
    this.openssl('req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const output = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-days', '2', '-extfile', `${name}.ext`];
    this.openssl('x509', '-req', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', ...output);
  }

  file(name) {
    return path.join(this.folder, name);
  }

  read(name) {
    return fs.readFileSync(this.file(name));
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

const SERVER = ['subjectAltName=IP:127.0.0.1,DNS:localhost', 'extendedKeyUsage=serverAuth,clientAuth'];
const CLIENT = ['extendedKeyUsage=clientAuth'];

let authority;
let stranger;
before(() => {
  authority = new Authority('Test authority');
  authority.issue('server', SERVER);
  authority.issue('elsewhere', ['subjectAltName=DNS:elsewhere.example', 'extendedKeyUsage=serverAuth,clientAuth']);
  authority.issue('client', CLIENT);
  authority.issue('client-521', CLIENT, 'secp521r1');
  stranger = new Authority('Another authority');
  stranger.issue('client', CLIENT);
});
after(() => {
  authority?.remove();
  stranger?.remove();
});

/** An etcd over https for the tests of a `describe`. */
function withSecureEtcd(certificate, { clientCa = false } = {}) {
  const holder = {};
  before(async () => {
    const tls = { cert: authority.file(`${certificate}.pem`), key: authority.file(`${certificate}.key`) };
    if (clientCa) tls.clientCa = authority.file('ca.pem');
    holder.server = await startEtcd({ tls });
    holder.url = holder.server.url;
  });
  after(() => holder.server?.stop());
  return holder;
}

/** The error of the only try. */
async function faultOf(url, options) {
  const err = await rejection(new Etcd(url, { maxRetries: 0, ...options }).get('k'));
  assert.equal(err.message, 'All servers returned error');
  assert.equal(err.errors.length, 1);
  assert.deepEqual([err.errors[0].server, err.errors[0].httpstatus], [url, undefined]);
  assert.ok(err.errors[0].httperror instanceof Error);
  return err.errors[0].httperror;
}

async function exercise(url, options) {
  const etcd = new Etcd(url, options);
  const key = freshPrefix('tls');
  const { node } = await etcd.set(key, 'v');
  assert.equal(etcd.getSync(key).body.node.value, 'v');
  const watcher = etcd.watcher(key, node.modifiedIndex);
  const [event] = await once(watcher, 'change');
  watcher.stop();
  assert.equal(event.node.value, 'v');
}

describe('an etcd over https', () => {
  const etcd = withSecureEtcd('server');

  test('is trusted with its authority in ca: a Buffer, a string, a list, several in one text', async () => {
    const ca = authority.read('ca.pem');
    const other = stranger.read('ca.pem');
    for (const given of [ca, String(ca), [other, ca], [String(other), String(ca)], `${other}\n${ca}`]) {
      await exercise(etcd.url, { ca: given });
    }
  });

  test('may be asked by its name', async () => {
    await exercise(etcd.url.replace('127.0.0.1', 'localhost'), { ca: authority.read('ca.pem') });
  });

  test('is trusted with its authority in NODE_EXTRA_CA_CERTS', async () => {
    const source = `
      const Etcd = require('.');
      const { err, body } = new Etcd(process.argv[1], { maxRetries: 0 }).set('k', 'v', { synchronous: true });
      console.log(JSON.stringify([err && err.errors[0].httperror.message, body && body.node.value]));`;
    const env = { NODE_EXTRA_CA_CERTS: authority.file('ca.pem') };
    assert.deepEqual(await printedBy(source, { args: [etcd.url], env }), [null, 'v']);
  });

  test('is not trusted with another authority, or with none', async () => {
    for (const options of [{ ca: stranger.read('ca.pem') }, {}]) {
      const { code, message } = await faultOf(etcd.url, options);
      assert.match(code, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$|SELF_SIGNED_CERT/, message);
    }
  });

  test('that is not trusted is not asked again and again', async () => {
    const err = await rejection(new Etcd(etcd.url, { ca: stranger.read('ca.pem') }).get('k'));
    assert.deepEqual([err.retries, err.errors.length], [0, 1]);
  });

  test('is not trusted by a Sync call either', () => {
    const { err } = new Etcd(etcd.url, { ca: stranger.read('ca.pem') }).setSync('k', 'v');
    assert.match(err.errors[0].httperror.code, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$|SELF_SIGNED_CERT/);
  });

  test('asked without TLS is an error', async () => {
    const etcdOverHttp = new Etcd(etcd.url.replace('https', 'http'), { maxRetries: 0 });
    assert.ok((await rejection(etcdOverHttp.get('k'))) instanceof Error);
  });

  test('keeps its connection', async () => {
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1], { ca: process.argv[2] });
      const { execFileSync } = require('node:child_process');
      (async () => {
        for (let i = 0; i < 20; i++) await etcd.set('k', i);
        const sockets = require('node:fs').readdirSync('/proc/self/fd').length;
        for (let i = 0; i < 20; i++) await etcd.set('k', i);
        console.log(JSON.stringify(require('node:fs').readdirSync('/proc/self/fd').length - sockets));
      })();`;
    if (process.platform !== 'linux') return;
    assert.equal(await printedBy(source, { args: [etcd.url, String(authority.read('ca.pem'))] }), 0);
  });
});

describe('an etcd whose certificate has another name', () => {
  const etcd = withSecureEtcd('elsewhere');

  test('is not trusted', async () => {
    const { code } = await faultOf(etcd.url, { ca: authority.read('ca.pem') });
    assert.equal(code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('an etcd that asks for a certificate', () => {
  const etcd = withSecureEtcd('server', { clientCa: true });

  for (const name of ['client', 'client-521']) {
    test(`takes ${name} of its authority`, async () => {
      const [ca, cert, key] = ['ca.pem', `${name}.pem`, `${name}.key`].map((file) => authority.read(file));
      await exercise(etcd.url, { ca, cert, key });
      await exercise(etcd.url, { ca, cert: String(cert), key: String(key) });
    });
  }

  test('refuses a client without one, and one of another authority', async () => {
    const ca = authority.read('ca.pem');
    const foreign = { ca, cert: stranger.read('client.pem'), key: stranger.read('client.key') };
    for (const options of [{ ca }, foreign]) {
      const { message } = await faultOf(etcd.url, options);
      assert.ok(message.length > 0);
    }
  });
});

describe('what is no certificate or key', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const read = (name) => String(authority.read(name));
  const cases = [
    ['ca', () => ({ ca: 'garbage' })],
    ['ca', () => ({ ca: '' })],
    ['ca', () => ({ ca: broken })],
    ['ca', () => ({ ca: [read('ca.pem'), 'garbage'] })],
    ['ca', () => ({ ca: read('ca.key') })],
    ['cert', () => ({ cert: 'garbage', key: read('client.key') })],
    ['cert', () => ({ cert: broken, key: read('client.key') })],
    ['key', () => ({ cert: read('client.pem'), key: 'garbage' })],
    ['key', () => ({ cert: read('client.pem'), key: read('client.pem') })],
    ['key', () => ({ cert: read('client.pem'), key: read('server.key') })],
    ['key', () => ({ cert: read('client.pem') })],
    ['cert', () => ({ key: read('client.key') })],
  ];

  for (const [name, options] of cases) {
    test(`throws and names ${name}: ${String(options).slice(6)}`, () => {
      for (const host of ['https://h:1', ['http://h:1', 'https://h:2']]) {
        assert.throws(
          () => new Etcd(host, options()),
          (error) => {
            assert.ok(error instanceof TypeError, String(error));
            assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
            assert.match(error.message, new RegExp(`options\\.${name}\\b`));
            assert.doesNotMatch(error.message, /PRIVATE KEY/);
            return true;
          },
        );
      }
    });
  }

  test('of the wrong type throws and is named', () => {
    for (const name of ['ca', 'cert', 'key']) {
      for (const wrong of [5, {}, true]) {
        const expected = {
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_TYPE',
          message: new RegExp(`options\\.${name}\\b`),
        };
        assert.throws(() => new Etcd('https://h:1', { [name]: wrong }), expected);
      }
    }
  });
});
