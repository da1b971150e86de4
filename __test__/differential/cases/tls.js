'use strict';

// https: whom the client trusts, how it shows who it is, and what it says when that fails.

const { readFileSync } = require('node:fs');
const { PASSPHRASE } = require('../../support/certificates');

const SECURE = 'https://127.0.0.1:{s}';
const MUTUAL = 'https://127.0.0.1:{m}';

/** Options in which a text like `@ca.pem` is that file, as a Buffer. */
const withFiles = (options) => (fill) => {
  const read = (value) => {
    if (Array.isArray(value)) return value.map(read);
    return typeof value === 'string' && value.startsWith('@')
      ? readFileSync(fill(`{certificates}/${value.slice(1)}`))
      : value;
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, read(value)]));
};
const secure = (name, options, rest) => ({
  name,
  hosts: SECURE,
  options: withFiles(options),
  call: ['get', 'k'],
  ...rest,
});
const mutual = (name, options, rest) => secure(name, { ca: '@ca.pem', ...options }, { hosts: MUTUAL, ...rest });
const text = (options) => (fill) => {
  const buffers = withFiles(options)(fill);
  return Object.fromEntries(Object.entries(buffers).map(([name, value]) => [name, String(value)]));
};
const CLIENT = { cert: '@client.pem', key: '@client-key.pem' };
const failing = (code) => ({ difference: 'tls-words', expected: { codes: [code] }, theirs: { codes: [code] } });
/** What a request's handshake says it wants to talk to (SNI). */
async function namesInHandshake({ call, servernames }, server) {
  await call('get', 'k');
  return servernames(server);
}
const REFUSED = { difference: 'bad-arguments', expected: { thrown: 'ERR_INVALID_ARG_VALUE', wire: [] } };

module.exports = {
  title: 'TLS',
  needs: [
    'a',
    's',
    'rsa',
    'p384',
    'p521',
    'ed25519',
    'elsewhere',
    'expired',
    'alone',
    'version1',
    'unnamed',
    'short',
    'belowExpired',
    'm',
  ],
  cases: [
    secure('ca as a Buffer', { ca: '@ca.pem' }),
    secure('ca as a text', {}, { options: text({ ca: '@ca.pem' }) }),
    secure('ca as a list', { ca: ['@alone.pem', '@ca.pem'] }),
    secure('a write', { ca: '@ca.pem' }, { call: ['set', 'k', 'v', { ttl: 5 }] }),
    secure('a Sync call', { ca: '@ca.pem' }, { call: undefined, run: (_, { sync }) => sync('getSync', 'k') }),
    secure('a host by name', { ca: '@ca.pem' }, { hosts: 'https://localhost:{s}' }),
    secure('an RSA key', { ca: '@ca.pem' }, { hosts: 'https://127.0.0.1:{rsa}' }),
    secure('a P-384 key', { ca: '@ca.pem' }, { hosts: 'https://127.0.0.1:{p384}' }),
    secure('a P-521 key', { ca: '@ca.pem' }, { hosts: 'https://127.0.0.1:{p521}' }),
    secure('an Ed25519 key', { ca: '@ca.pem' }, { hosts: 'https://127.0.0.1:{ed25519}' }),
    secure(
      'a Sync call to an Ed25519 key',
      { ca: '@ca.pem' },
      {
        hosts: 'https://127.0.0.1:{ed25519}',
        call: undefined,
        run: (_, { sync }) => sync('getSync', 'k'),
      },
    ),
    secure('a certificate that signs itself, trusted', { ca: '@alone.pem' }, { hosts: 'https://127.0.0.1:{alone}' }),
    secure('an authority that nobody knows', {}, failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
    mutual('an authority that nobody knows, in the chain', { ca: '@alone.pem' }, failing('SELF_SIGNED_CERT_IN_CHAIN')),
    secure('an authority of the same name', { ca: '@namesake.pem' }, failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
    secure('another authority', { ca: '@alone.pem' }, failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
    secure(
      'a certificate that signs itself',
      {},
      {
        hosts: 'https://127.0.0.1:{alone}',
        ...failing('DEPTH_ZERO_SELF_SIGNED_CERT'),
      },
    ),
    secure(
      'a certificate for another name',
      { ca: '@ca.pem' },
      {
        hosts: 'https://127.0.0.1:{elsewhere}',
        ...failing('ERR_TLS_CERT_ALTNAME_INVALID'),
      },
    ),
    secure(
      'a certificate for another name than localhost',
      { ca: '@ca.pem' },
      {
        hosts: 'https://localhost:{elsewhere}',
        ...failing('ERR_TLS_CERT_ALTNAME_INVALID'),
      },
    ),
    secure(
      'an expired certificate',
      { ca: '@ca.pem' },
      {
        hosts: 'https://127.0.0.1:{expired}',
        ...failing('CERT_HAS_EXPIRED'),
      },
    ),
    secure(
      'an expired authority',
      { ca: '@expired-ca.pem' },
      { hosts: 'https://127.0.0.1:{belowExpired}', ...failing('CERT_HAS_EXPIRED') },
    ),
    secure(
      'an expired authority among good ones',
      { ca: ['@expired-ca.pem', '@ca.pem'] },
      { hosts: 'https://127.0.0.1:{belowExpired}', ...failing('CERT_HAS_EXPIRED') },
    ),
    secure('an expired authority beside the one that counts', { ca: ['@expired-ca.pem', '@ca.pem'] }),
    ...['version1', 'unnamed'].map((part) =>
      secure(
        `a common name alone (${part})`,
        { ca: '@ca.pem' },
        {
          hosts: `https://localhost:{${part}}`,
          difference: 'tls-common-name',
          expected: { codes: ['ERR_TLS_CERT_ALTNAME_INVALID'] },
        },
      ),
    ),
    secure(
      'a short RSA key',
      { ca: '@ca.pem' },
      {
        hosts: 'https://127.0.0.1:{short}',
        skip: parseInt(process.versions.node, 10) >= 24 && 'this Node refuses them, too',
        difference: 'tls-short-keys',
        expected: { codes: ['EE_KEY_TOO_SMALL'] },
      },
    ),
    ...['version1', 'unnamed'].map((part) =>
      secure(
        `rejectUnauthorized: false and a common name alone (${part})`,
        { rejectUnauthorized: false },
        { hosts: `https://localhost:{${part}}` },
      ),
    ),
    secure('rejectUnauthorized: false', { rejectUnauthorized: false }),
    secure(
      'rejectUnauthorized: false and another name',
      { rejectUnauthorized: false },
      { hosts: 'https://127.0.0.1:{elsewhere}' },
    ),
    secure(
      'rejectUnauthorized: false and an expired certificate',
      { rejectUnauthorized: false },
      { hosts: 'https://127.0.0.1:{expired}' },
    ),
    secure('rejectUnauthorized: true', { ca: '@ca.pem', rejectUnauthorized: true }),
    secure('strictSSL: false', { strictSSL: false }),
    secure('strictSSL: true', { strictSSL: true }, failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
    secure(
      'strictSSL: true, rejectUnauthorized: false',
      { strictSSL: true, rejectUnauthorized: false },
      {
        difference: 'tls-words',
        expected: { codes: ['UNABLE_TO_VERIFY_LEAF_SIGNATURE'] },
      },
    ),
    secure('strictSSL: false, rejectUnauthorized: true', { strictSSL: false, rejectUnauthorized: true }),
    secure('NODE_TLS_REJECT_UNAUTHORIZED=0', {}, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }),
    secure(
      'NODE_TLS_REJECT_UNAUTHORIZED=1',
      {},
      {
        env: { NODE_TLS_REJECT_UNAUTHORIZED: '1' },
        ...failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      },
    ),
    secure(
      'rejectUnauthorized beats the environment',
      { rejectUnauthorized: true },
      {
        env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
        ...failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      },
    ),
    secure('NODE_EXTRA_CA_CERTS', {}, { startEnv: { NODE_EXTRA_CA_CERTS: '{certificates}/ca.pem' } }),
    secure(
      'ca replaces NODE_EXTRA_CA_CERTS',
      { ca: '@alone.pem' },
      {
        startEnv: { NODE_EXTRA_CA_CERTS: '{certificates}/ca.pem' },
        ...failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      },
    ),
    secure(
      'servername',
      { ca: '@ca.pem', servername: 'elsewhere.example' },
      { hosts: 'https://127.0.0.1:{elsewhere}' },
    ),
    secure(
      'servername of nobody',
      { ca: '@ca.pem', servername: 'nobody.example' },
      failing('ERR_TLS_CERT_ALTNAME_INVALID'),
    ),
    secure(
      'a host header names the server',
      { ca: '@ca.pem', headers: { host: 'elsewhere.example' } },
      {
        hosts: 'https://127.0.0.1:{elsewhere}',
      },
    ),
    {
      ...secure('the name in the handshake', { ca: '@ca.pem' }),
      hosts: 'https://localhost:{s}',
      call: undefined,
      run: (_, helpers) => namesInHandshake(helpers, 's'),
      expected: { result: ['localhost'] },
    },
    {
      ...secure('no name in the handshake with an address', { ca: '@ca.pem' }),
      call: undefined,
      run: (_, helpers) => namesInHandshake(helpers, 's'),
      expected: { result: [undefined] },
    },
    {
      ...secure('servername in the handshake', { ca: '@ca.pem', servername: 'elsewhere.example' }),
      hosts: 'https://localhost:{elsewhere}',
      call: undefined,
      run: (_, helpers) => namesInHandshake(helpers, 'elsewhere'),
      expected: { result: ['elsewhere.example'] },
    },
    {
      ...secure('a host header in the handshake', { ca: '@ca.pem', headers: { host: 'elsewhere.example' } }),
      hosts: 'https://127.0.0.1:{elsewhere}',
      call: undefined,
      run: (_, helpers) => namesInHandshake(helpers, 'elsewhere'),
      expected: { result: ['elsewhere.example'] },
    },
    secure('agentOptions', { agentOptions: { rejectUnauthorized: false } }),
    secure('http to an https port', {}, { hosts: 'http://127.0.0.1:{s}', call: ['get', 'k', { maxRetries: 0 }] }),
    secure(
      'a server that does not speak TLS',
      { ca: '@ca.pem', timeout: 200 },
      {
        hosts: 'https://127.0.0.1:{a}',
        compares: ['result'],
        difference: 'tls-timeout',
        expected: { codes: ['ETIMEDOUT'] },
        theirs: { codes: ['ESOCKETTIMEDOUT'] },
      },
    ),
    secure(
      'https to a port where nobody listens',
      {},
      { hosts: 'https://127.0.0.1:{refused}', call: ['get', 'k', { maxRetries: 0 }] },
    ),
    mutual('cert and key', CLIENT),
    mutual('cert and key as texts', {}, { options: text({ ca: '@ca.pem', ...CLIENT }) }),
    mutual(
      'no certificate',
      {},
      { difference: 'tls-words', expected: { codes: ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'] } },
    ),
    mutual('a key in PKCS#8 with a passphrase', {
      cert: '@client.pem',
      key: '@client-key-pkcs8.pem',
      passphrase: PASSPHRASE,
    }),
    mutual('a key in the old format with a passphrase', {
      cert: '@client.pem',
      key: '@client-key-legacy.pem',
      passphrase: PASSPHRASE,
    }),
    mutual('a passphrase that is not needed', { ...CLIENT, passphrase: PASSPHRASE }),
    mutual('pfx', { pfx: '@client-open.pfx', passphrase: '' }),
    mutual('pfx with a passphrase', { pfx: '@client.pfx', passphrase: PASSPHRASE }),
    mutual(
      'certificate and key in agentOptions',
      {},
      {
        options: (fill) => ({ agentOptions: withFiles({ ca: '@ca.pem', ...CLIENT })(fill) }),
      },
    ),
    mutual('a wrong passphrase', { cert: '@client.pem', key: '@client-key-pkcs8.pem', passphrase: 'wrong' }, REFUSED),
    mutual('no passphrase', { cert: '@client.pem', key: '@client-key-pkcs8.pem' }, REFUSED),
    mutual('pfx with a wrong passphrase', { pfx: '@client.pfx', passphrase: 'wrong' }, REFUSED),
    mutual('a key without a certificate', { key: '@client-key.pem' }, REFUSED),
    mutual('a certificate without a key', { cert: '@client.pem' }, REFUSED),
    mutual('the key of another certificate', { cert: '@client.pem', key: '@server-key.pem' }, REFUSED),
    secure('ca that is no certificate', { ca: 'garbage' }, REFUSED),
    secure('cert that is no certificate', { ca: '@ca.pem', cert: 'garbage', key: '@client-key.pem' }, REFUSED),
    secure('key that is no key', { ca: '@ca.pem', cert: '@client.pem', key: 'garbage' }, REFUSED),
    secure('pfx that is none', { ca: '@ca.pem', pfx: Buffer.from('garbage') }, REFUSED),
    secure('ca for a client that speaks http only', { ca: '@ca.pem' }, { hosts: '127.0.0.1:{a}' }),
    secure(
      'rejectUnauthorized that is no boolean',
      { ca: '@ca.pem', rejectUnauthorized: 'no' },
      {
        difference: 'bad-arguments',
        expected: { thrown: 'ERR_INVALID_ARG_TYPE' },
      },
    ),
  ],
};
