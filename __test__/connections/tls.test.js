'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const tls = require('node:tls');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { KINDS, PASSPHRASE, makeAuthority, makeCertificates } = require('../support/certificates');
const { freshPrefix, startEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { rejection } = require('../support/promises');

let authority;
let stranger;
before(() => {
  authority = makeCertificates();
  stranger = makeAuthority('Another authority');
  stranger.issueClient('client', 'p256');
});
after(() => {
  authority?.remove();
  stranger?.remove();
});

/** An etcd over https for the tests of a `describe`. */
function withSecureEtcd(certificate, { clientCa = false } = {}) {
  const holder = {};
  before(async () => {
    const tls = { cert: authority.file(`${certificate}.pem`), key: authority.file(`${certificate}-key.pem`) };
    if (clientCa) tls.clientCa = authority.file('ca.pem');
    holder.server = await startEtcd({ tls });
    holder.url = holder.server.url;
  });
  after(() => holder.server?.stop());
  return holder;
}

const suffixOf = (kind) => (kind === 'p256' ? '' : `-${kind}`);

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

  const garbage = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const EXTRA = {
    'is empty': [() => '', false],
    'is no PEM': [() => 'garbage', false],
    'holds garbage': [() => garbage, false],
    'is cut': [(pem) => pem.slice(0, pem.length / 2), false],
    'holds garbage behind its authority': [(pem) => pem + garbage, true],
  };
  for (const [what, [contents, isTrusted]] of Object.entries(EXTRA)) {
    test(`needs no NODE_EXTRA_CA_CERTS that can be read: it ${what}, which is one warning`, async () => {
      const file = authority.file('extra.pem');
      fs.writeFileSync(file, contents(String(authority.read('ca.pem'))));
      const source = `
        const Etcd = require('.');
        const warnings = [];
        process.on('warning', ({ message }) => warnings.push(message));
        const [first, second] = [1, 2].map(() => new Etcd(process.argv[1], { maxRetries: 0 }));
        const trusts = (etcd) => etcd.getSync('/').err === null;
        setImmediate(() => console.log(JSON.stringify({ warnings, trusted: [first, second].map(trusts) })));`;
      const env = { NODE_EXTRA_CA_CERTS: file };
      const { warnings, trusted } = await printedBy(source, { args: [etcd.url], env });
      assert.deepEqual(trusted, [isTrusted, isTrusted]);
      // What Node reads itself it tells of itself.
      if (tls.getCACertificates) return;
      assert.equal(warnings.length, 1, String(warnings));
      assert.ok(warnings[0].includes(file), warnings[0]);
    });
  }

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

for (const kind of KINDS) {
  describe(`an etcd with a ${kind} key that asks for a certificate`, () => {
    const etcd = withSecureEtcd(`server${suffixOf(kind)}`, { clientCa: true });

    test('takes one of its kind, and is taken', async () => {
      const name = `client${suffixOf(kind)}`;
      const [ca, cert, key] = ['ca.pem', `${name}.pem`, `${name}-key.pem`].map((file) => authority.read(file));
      await exercise(etcd.url, { ca, cert, key });
      const { code } = await faultOf(etcd.url, { ca: stranger.read('ca.pem'), cert, key });
      assert.match(code, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$|SELF_SIGNED_CERT/);
    });
  });
}

describe('an etcd whose certificate has another name', () => {
  const etcd = withSecureEtcd('elsewhere');

  test('is not trusted', async () => {
    const { code } = await faultOf(etcd.url, { ca: authority.read('ca.pem') });
    assert.equal(code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('an etcd that asks for a certificate', () => {
  const etcd = withSecureEtcd('server', { clientCa: true });

  const identity = (kind, format) => {
    const name = `client${suffixOf(kind)}`;
    const [ca, cert] = [authority.read('ca.pem'), authority.read(`${name}.pem`)];
    return { ca, ...format(name, cert) };
  };
  const keyFile = (ending, more) => (name, cert) => ({
    cert,
    key: authority.read(`${name}-key${ending}.pem`),
    ...more,
  });
  const archive = (ending, passphrase) => (name) => ({ pfx: authority.read(`${name}${ending}.pfx`), passphrase });
  const formats = {
    'in PKCS#8': keyFile(''),
    'in PKCS#8 with a passphrase': keyFile('-pkcs8', { passphrase: PASSPHRASE }),
    'in the format before PKCS#8': keyFile('-old'),
    'in the format before PKCS#8 with a passphrase': keyFile('-legacy', { passphrase: PASSPHRASE }),
    'in a PKCS#12 archive': archive('', PASSPHRASE),
    'in a PKCS#12 archive without a passphrase': archive('-open', ''),
    'in a PKCS#12 archive of OpenSSL 1': archive('-old', PASSPHRASE),
  };

  for (const kind of KINDS) {
    for (const [what, format] of Object.entries(formats)) {
      if (kind === 'ed25519' && what.includes('before PKCS#8')) continue; // there is none
      test(`takes a ${kind} key ${what}`, async () => {
        await exercise(etcd.url, identity(kind, format));
      });
    }
  }

  test('takes certificate and key as texts, and one behind the parameters of its curve', async () => {
    authority.openssl('ecparam', '-name', 'prime256v1', '-out', 'curve.pem');
    const [ca, cert, key, old, curve] = ['ca', 'client', 'client-key', 'client-key-old', 'curve'].map((name) =>
      String(authority.read(`${name}.pem`)),
    );
    await exercise(etcd.url, { ca, cert, key });
    await exercise(etcd.url, { ca, cert, key: curve + old });
  });

  test('refuses a client without one, and one of another authority', async () => {
    const ca = authority.read('ca.pem');
    const foreign = { ca, cert: stranger.read('client.pem'), key: stranger.read('client-key.pem') };
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
    ['ca', () => ({ ca: read('ca-key.pem') })],
    ['cert', () => ({ cert: 'garbage', key: read('client-key.pem') })],
    ['cert', () => ({ cert: broken, key: read('client-key.pem') })],
    ['key', () => ({ cert: read('client.pem'), key: 'garbage' })],
    ['key', () => ({ cert: read('client.pem'), key: read('client.pem') })],
    ['key', () => ({ cert: read('client.pem'), key: read('server-key.pem') })],
    ['key', () => ({ cert: read('client.pem') })],
    ['cert', () => ({ key: read('client-key.pem') })],
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

describe('a server that Node takes, or not, by the rules of OpenSSL', () => {
  /** A server with a certificate, as weak as it may be. */
  function served(name, options) {
    const [cert, key] = [authority.read(`${name}.pem`), authority.read(`${name}-key.pem`)];
    return scripted([], { fallback: { echo: true }, tls: { cert, key, ciphers: 'DEFAULT:@SECLEVEL=0', ...options } });
  }

  for (const name of [
    'server',
    'version1',
    'unnamed',
    'short',
    'below-short',
    'below-expired',
    'expired',
    'elsewhere',
  ]) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      test(`is taken with rejectUnauthorized: false, whatever its certificate is: ${name}, ${version}`, async () => {
        const { url } = await served(name, { maxVersion: version });
        const etcd = new Etcd(url, { rejectUnauthorized: false, maxRetries: 0 });
        assert.equal((await etcd.get('k')).action, 'get');
        assert.equal(etcd.getSync('k').err, null);
      });
    }
  }

  const REFUSED = {
    version1: ['ca', 'ERR_TLS_CERT_ALTNAME_INVALID', /X\.509 version 1.*subjectAltName/],
    unnamed: ['ca', 'ERR_TLS_CERT_ALTNAME_INVALID', /common name.*subjectAltName/],
    short: ['ca', 'EE_KEY_TOO_SMALL', /1024 bits/],
    'below-short': ['short-ca', 'CA_KEY_TOO_SMALL', /1024 bits/],
    'below-expired': ['expired-ca', 'CERT_HAS_EXPIRED', /authority.*expired/],
  };
  for (const [name, [ca, code, message]] of Object.entries(REFUSED)) {
    test(`is refused in words that say why: ${name}`, async () => {
      const { url } = await served(name);
      const fault = await faultOf(url, { ca: authority.read(`${ca}.pem`) });
      assert.equal(fault.code, code, fault.message);
      assert.match(fault.message, message);
    });
  }
});
