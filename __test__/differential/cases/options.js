'use strict';

// Options of the constructor that are about the way of a request: redirects, compression, connections, repetition.

const { gzipSync, deflateSync, brotliCompressSync } = require('node:zlib');

const JSON_TEXT = '{"action":"get","node":{"key":"/k"}}';
const moved = (status, location) => ({ reply: { status, headers: { Location: location }, body: 'moved' } });
const METHODS = ['GET', 'PUT', 'POST', 'DELETE'];

const redirected = (name, options, rest) => ({
  name,
  options,
  steps: [{ match: '/from', times: 4, ...moved(307, '/to') }],
  run: async (_, { call }) => {
    const outcomes = [];
    for (const method of METHODS) outcomes.push(await call('raw', method, 'from', method === 'GET' ? null : 'v', {}));
    return outcomes;
  },
  ...rest,
});
const chain = (count) => Array.from({ length: count }, (_, i) => moved(302, `/${i}`));
const compressed = (name, options, reply, rest) => ({
  name,
  options,
  fallback: { reply },
  call: ['get', 'k'],
  ...rest,
});
const encoded = (encoding, body) => ({ headers: { 'Content-Encoding': encoding }, body });
const ENCODED = { 'Content-Encoding': 'gzip' };
const ERROR = '{"errorCode":100,"message":"Key not found"}';
const UNPACKED = { difference: 'gzip-headers' };
/** Asked for once, as to ask again would give the same. */
const BROKEN = {
  call: undefined,
  run: (_, { call, within }) => within(3000, call('get', 'k'), 'no end of it'),
  difference: 'error-words',
  expected: { methods: ['GET'] },
  theirs: { methods: ['GET'] },
  leaves: true,
};
const refused = (thrown, difference = 'bad-arguments') => ({ difference, expected: { thrown, wire: [] } });
const plain = (name, options, rest) => ({ name, options, call: ['get', 'k'], ...rest });

async function fiveTimes(_, { call }) {
  for (let i = 0; i < 5; i++) await call('get', `k${i}`);
}

module.exports = {
  title: 'options of the way',
  cases: [
    redirected('followRedirect: true', { followRedirect: true }),
    redirected('followRedirect: false', { followRedirect: false }),
    redirected('followAllRedirects: true', { followAllRedirects: true }),
    redirected('followAllRedirects: false', { followAllRedirects: false }),
    redirected('both false', { followRedirect: false, followAllRedirects: false }),
    redirected(
      'a redirect that a key does not follow',
      { followAllRedirects: false },
      {
        steps: [{ times: 9, ...moved(307, '/to') }],
        run: undefined,
        call: ['set', 'k', 'v'],
        difference: 'not-etcd',
      },
    ),
    redirected('removeRefererHeader: true', { removeRefererHeader: true }),
    redirected(
      'followOriginalHttpMethod: true',
      { followOriginalHttpMethod: true },
      {
        steps: [{ match: '/from', times: 4, ...moved(302, '/to') }],
        difference: 'redirects',
        expected: { methods: METHODS.flatMap((method) => [method, method]) },
      },
    ),
    redirected('removeRefererHeader: false', { removeRefererHeader: false }, refused('ERR_INVALID_ARG_VALUE')),
    redirected(
      'followOriginalHttpMethod: false',
      { followOriginalHttpMethod: false },
      refused('ERR_INVALID_ARG_VALUE'),
    ),
    redirected('followRedirect that is no boolean', { followRedirect: 'no' }, refused('ERR_INVALID_ARG_TYPE')),
    ...[0, 1, 3].flatMap((maxRedirects) => [
      plain(
        `maxRedirects: ${maxRedirects}, that many`,
        { maxRedirects },
        { steps: chain(maxRedirects), call: ['version'] },
      ),
      plain(
        `maxRedirects: ${maxRedirects}, one more`,
        { maxRedirects },
        { steps: chain(maxRedirects + 1), call: ['version'] },
      ),
    ]),
    plain('maxRedirects that is no number', { maxRedirects: '3' }, refused('ERR_INVALID_ARG_TYPE')),
    compressed('gzip: true, an answer as it is', { gzip: true }, { body: JSON_TEXT }),
    compressed('gzip: true, a compressed answer', { gzip: true }, encoded('gzip', gzipSync(JSON_TEXT)), UNPACKED),
    compressed(
      'gzip: true, an answer by deflate',
      { gzip: true },
      encoded('deflate', deflateSync(JSON_TEXT)),
      UNPACKED,
    ),
    compressed(
      'gzip: true, an error of etcd',
      { gzip: true },
      { status: 404, ...encoded('gzip', gzipSync(ERROR)) },
      UNPACKED,
    ),
    compressed(
      'gzip: true, a broken server',
      { gzip: true },
      { status: 500, ...encoded('gzip', gzipSync('x')) },
      UNPACKED,
    ),
    ...['GZIP', 'Deflate'].map((coding) => {
      const body = coding === 'GZIP' ? gzipSync(JSON_TEXT) : deflateSync(JSON_TEXT);
      return compressed(`gzip: true, an answer in ${coding}`, { gzip: true }, encoded(coding, body), UNPACKED);
    }),
    compressed('gzip: true, an answer in x-gzip', { gzip: true }, encoded('x-gzip', gzipSync(JSON_TEXT)), {
      difference: 'gzip-old-name',
    }),
    compressed('gzip: true, an empty answer', { gzip: true }, { status: 204, headers: ENCODED }, UNPACKED),
    compressed(
      'gzip: true, an encoding that nobody asked for',
      { gzip: true },
      encoded('br', brotliCompressSync(JSON_TEXT)),
      { difference: 'not-etcd' },
    ),
    compressed('gzip: true, a body that is no gzip', { gzip: true }, encoded('gzip', 'not compressed'), BROKEN),
    compressed(
      'gzip: true, a body cut short',
      { gzip: true },
      encoded('gzip', gzipSync(JSON_TEXT).subarray(0, 20)),
      BROKEN,
    ),
    compressed('gzip: false', { gzip: false }, { body: JSON_TEXT }),
    compressed(
      'gzip and a header of our own',
      { gzip: true, headers: { 'accept-encoding': 'identity' } },
      { body: JSON_TEXT },
    ),
    plain('gzip that is no boolean', { gzip: 'yes' }, refused('ERR_INVALID_ARG_TYPE')),
    {
      name: 'connections with forever: false',
      options: { forever: false },
      compares: ['result', 'wire', 'connections'],
      run: fiveTimes,
    },
    {
      name: 'connections with forever: true',
      options: { forever: true },
      compares: ['connections'],
      run: fiveTimes,
      difference: 'connections',
      expected: { connections: { a: 1 } },
    },
    {
      name: 'a header that closes connections',
      difference: 'header-framing',
      expected: { thrown: 'ERR_INVALID_ARG_VALUE' },
      options: { headers: { connection: 'close' } },
      compares: ['result', 'wire', 'connections'],
      run: fiveTimes,
    },
    ...[1, 3].map((maxSockets) => ({
      name: `connections at once with pool.maxSockets: ${maxSockets}`,
      options: { pool: { maxSockets } },
      fallback: { delayMs: 30, reply: { body: JSON_TEXT } },
      compares: ['result', 'connections'],
      run: async (_, { call }) => {
        const outcomes = await Promise.all(Array.from({ length: 6 }, () => call('get', 'k')));
        return outcomes.map(({ arguments: [error] }) => error);
      },
    })),
    plain('pool that is no object', { pool: 5 }, refused('ERR_INVALID_ARG_TYPE')),
    plain('localAddress', { localAddress: '127.0.0.1' }),
    plain('a localAddress that is none', { localAddress: 'here' }, refused('ERR_INVALID_ARG_VALUE')),
    plain('agentOptions', { agentOptions: {} }),
    plain(
      'an option in agentOptions that nobody knows',
      { agentOptions: { strange: 1 } },
      refused('ERR_INVALID_ARG_VALUE', 'unknown-options'),
    ),
    plain('tunnel for http', { tunnel: false }),
    plain(
      'a reply beyond maxResponseSize',
      { maxResponseSize: 1000 },
      {
        fallback: { reply: { json: { action: 'x'.repeat(2000) } } },
        difference: 'response-size',
        expected: { codes: ['ERR_RESPONSE_TOO_LARGE'] },
      },
    ),
    ...[
      ['a reset', { reset: true }],
      ['a closed connection', { close: true }],
      ['a body cut short', { cut: { bytes: 3, json: { action: 'set' } } }],
    ].flatMap(([what, step]) => [
      {
        name: `resendWrites: false, ${what} after a write`,
        options: { resendWrites: false },
        fallback: step,
        call: ['create', 'd', 'v'],
        difference: 'resend-writes',
        expected: { wire: ['POST /v2/keys/d value=v'] },
        theirs: { wire: Array(4).fill('POST /v2/keys/d value=v') },
      },
      {
        name: `resendWrites: false, ${what} after a read`,
        options: { resendWrites: false },
        fallback: step,
        call: ['get', 'k'],
      },
      {
        name: `resendWrites: true, ${what} after a write`,
        options: { resendWrites: true },
        fallback: step,
        call: ['create', 'd', 'v'],
      },
    ]),
    {
      name: 'resendWrites: false, nobody listens',
      options: { resendWrites: false },
      hosts: '127.0.0.1:{refused}',
      call: ['create', 'd', 'v'],
    },
    {
      name: 'resendWrites: false, an election',
      options: { resendWrites: false },
      steps: [{ reply: { status: 500, json: { errorCode: 301, message: 'During Leader Election' } } }],
      call: ['create', 'd', 'v'],
      difference: 'resend-writes',
      expected: { methods: ['POST'] },
    },
  ],
};
