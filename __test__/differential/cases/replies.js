'use strict';

// What becomes of a reply: the arguments of the callback, the entries of `err.errors`, and when it is tried again.

const HOST = '127.0.0.1:{a}';
const NODE = { key: '/k', value: 'v', modifiedIndex: 7, createdIndex: 7 };
const BOM = '\ufeff';

/** A reply as a key's and as that of another path, where anything goes. */
const replied = (name, reply, rest) => ({
  name: `a key: ${name}`,
  fallback: { reply },
  run: async (_, { call }) => [await call('get', 'k'), await call('set', 'k', 'v')],
  ...rest,
});
const elsewhere = (name, reply, rest) => ({
  name: `another path: ${name}`,
  fallback: { reply },
  call: ['version'],
  ...rest,
});

const json = (value, rest) => ({ json: value, ...rest });
/** etcd's answer with more in it, as an object, or with these fields as text. */
const answer = (more) => ({ action: 'get', node: NODE, ...more });
const text = (fields) => `{"action":"get","node":{"key":"/k"},${fields}}`;
const etcdError = (errorCode, rest) => ({ errorCode, message: 'Said the server', cause: '/k', index: 9, ...rest });

/** Replies that any HTTP server may give; a key's must be etcd's. */
const ODD_REPLIES = [
  ['text', { body: 'some text' }],
  ['a page with status 404', { status: 404, body: '404 page not found\n' }],
  ['a page with status 400', { status: 400, body: '400 Bad Request' }],
  ['a page with status 401', { status: 401, body: 'who are you?' }],
  ['JSON with status 403', json({ message: 'not current leader' }, { status: 403 })],
  ['an empty body with status 405', { status: 405 }],
  ['302 without a location', { status: 302, body: 'moved' }],
  ['304', { status: 304 }],
  ['half of a JSON text', { body: '{"action":"get","node":' }],
  ['two JSON texts', { body: '{"a":1}\n{"b":2}\n' }],
  ['JSON after a byte order mark', { body: `${BOM}{"a":1}` }],
  ['a JSON list', json([1, 2])],
  ['an error in a list', json([{ errorCode: 100 }])],
  ['a JSON number', json(5)],
  ['a JSON text', json('text')],
  ['null', { body: 'null' }],
  ['false', { body: 'false' }],
  ['blanks', { body: '  \n' }],
  ['text that is not UTF-8', { body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }],
  ['bytes that are not UTF-8', { body: Buffer.from([0x80, 0xff, 0x41]) }],
  ['status 418', { status: 418, body: 'teapot' }],
  ['status 499', { status: 499, body: 'odd' }],
  ['an empty object', json({})],
  ['JSON of another kind', json({ some: { thing: [1] } })],
  ['an empty body', {}],
  ['204', { status: 204 }],
  ['an empty body with status 201', { status: 201 }],
  ['an empty text', json('')],
  ['an empty list', json([])],
  ['an action that is no text', json({ action: 5, node: NODE })],
  ['an action without a node', json({ action: 'set' })],
  ['a node without an action', json({ node: NODE })],
  ['a node that is a list', json({ action: 'set', node: [] })],
  ['a node of null', json({ action: 'set', node: null })],
];

/** Replies to which both paths are the same. */
const PLAIN_REPLIES = [
  ['JSON', json({ action: 'get', node: NODE })],
  ['JSON with status 201', json({ action: 'set', node: NODE }, { status: 201 })],
  ['chunked JSON', { chunks: ['{"acti', 'on":"get"', ',"node":{}}'] }],
  ['JSON that ends with the connection', { json: answer(), contentLength: false }],
  ['JSON with blanks around it', { body: ` \n${text('"a":1')}\n ` }],
  ['JSON as plain text', { body: text('"a":1'), headers: { 'Content-Type': 'text/plain' } }],
  ['JSON with a charset', { body: text('"a":"ü"'), headers: { 'Content-Type': 'application/json; charset=latin1' } }],
  ['characters beyond ASCII', json(answer({ a: 'ü日本😀' }))],
  ['a lone surrogate, escaped', { body: text('"a":"\\ud800"') }],
  ['large numbers', { body: text('"a":1e400,"b":12345678901234567890,"c":-0,"d":1e-400') }],
  ['repeated names', { body: text('"a":1,"a":2') }],
  ['__proto__ as a name', { body: text('"__proto__":{"x":1},"constructor":2') }],
  ['deep JSON', { body: text(`"a":${'['.repeat(500)}${']'.repeat(500)}`) }],
  ['a large body', json(answer({ a: 'x'.repeat(2_000_000) }))],
  ['errorCode of null', json(answer({ errorCode: null }))],
  ['error 100', json(etcdError(100), { status: 404 })],
  ['error 0', json(etcdError(0), { status: 400 })],
  ['an error with status 200', json(etcdError(101))],
  ['an error without a message', json({ errorCode: 102 }, { status: 403 })],
  ['an error with an empty message', json({ errorCode: 102, message: '' }, { status: 403 })],
  ['an error whose code is text', json({ errorCode: 'bad', message: 'x' }, { status: 400 })],
  ['an error whose code is false', json({ errorCode: false, message: 'x' }, { status: 400 })],
  ['error 300 with status 400', json(etcdError(300), { status: 400 })],
  ['error 401', json(etcdError(401, { cause: 'the requested history has been cleared [91/86]' }), { status: 400 })],
  ['error 110', json(etcdError(110), { status: 401 })],
  ['status 299', json(answer(), { status: 299 })],
];

const HEADERS = [
  ['X-Etcd-Index', '7'],
  ['x-twice', 'a'],
  ['X-Twice', 'b'],
  ['Set-Cookie', 'a=1'],
  ['set-cookie', 'b=2; Path=/'],
  ['Server', 'one'],
  ['Server', 'two'],
  ['Age', '1'],
  ['Age', '2'],
  ['Vary', 'a'],
  ['Vary', 'b'],
  ['Cookie', 'a'],
  ['Cookie', 'b'],
  ['X-Empty', ''],
  ['X-Blank', '  spaces around  '],
  ['X-Latin', 'J\xfcrgen'],
  ['ETag', '"1"'],
  ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
];

const failing = (name, steps, rest) => ({
  name,
  run: async (_, { call }) => call('get', 'k'),
  ...(Array.isArray(steps) ? { steps } : { fallback: steps }),
  ...rest,
});

/** Not tried again: one request, one error with a code that tells. */
const NOT_HTTP = {
  difference: 'error-words',
  expected: { wire: ['GET /v2/keys/k'], codes: ['HPE_INVALID_CONSTANT'] },
  theirs: { wire: ['GET /v2/keys/k'] },
};

/** Not tried again either. */
const OVERFLOW = {
  difference: 'error-words',
  expected: { wire: ['GET /v2/keys/k'], codes: ['HPE_HEADER_OVERFLOW'] },
  theirs: { wire: ['GET /v2/keys/k'], codes: ['HPE_HEADER_OVERFLOW'] },
};
const lines = (count) => Array.from({ length: count }, (_, i) => [`X-${i}`, String(i)]);
/** What one header may have beside those that the server adds. Node counts the two letters of the reason, too. */
const MOST = 16 * 1024 - 'X-Large Content-Type application/json Content-Length 2 OK'.replaceAll(' ', '').length - 1;

const status500 = (body, rest) => ({
  reply: { status: 500, ...(typeof body === 'string' ? { body } : { json: body }), ...rest },
});

module.exports = {
  title: 'replies',
  cases: [
    ...PLAIN_REPLIES.map(([name, reply]) => replied(name, reply)),
    ...PLAIN_REPLIES.map(([name, reply]) => elsewhere(name, reply)),
    ...ODD_REPLIES.map(([name, reply]) => replied(name, reply, { difference: 'not-etcd' })),
    ...ODD_REPLIES.map(([name, reply]) => elsewhere(name, reply)),
    elsewhere('headers of all kinds', { json: {}, headers: HEADERS, headEncoding: 'latin1' }),
    ...[101, 900].map((count) => elsewhere(`${count} header lines`, { json: {}, headers: lines(count) })),
    elsewhere('almost 16 KiB of headers', { json: {}, headers: [['X-Large', 'x'.repeat(MOST)]] }),
    failing('16 KiB of headers', { reply: { json: {}, headers: [['X-Large', 'x'.repeat(MOST + 3)]] } }, OVERFLOW),
    failing('16 KiB of header lines', { reply: { json: {}, headers: lines(2000) } }, OVERFLOW),
    elsewhere('names and tokens in other letters', undefined, {
      fallback: {
        raw: 'HTTP/1.1 200 OK\r\nTRANSFER-encoding: Chunked\r\nconnection: CLOSE\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
        after: 'close',
      },
    }),
    elsewhere('a reason that is not the usual one', { status: 200, reason: 'Whatever', json: {} }),
    elsewhere('informational replies come first', undefined, {
      fallback: {
        raw: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
        after: 'close',
      },
    }),
    elsewhere('HTTP/1.0', undefined, { fallback: { raw: 'HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\n{"a":1}', after: 'close' } }),
    elsewhere('trailers after the body', undefined, {
      fallback: {
        raw: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-After: 1\r\n\r\n',
        after: 'close',
      },
    }),
    elsewhere('a compressed body that nobody asked for', {
      headers: { 'Content-Encoding': 'gzip' },
      body: require('node:zlib').gzipSync('{"a":1}'),
    }),
    // 5xx and lost connections
    failing('503 everywhere', { reply: { status: 503, body: 'no service' } }),
    failing('500 with JSON everywhere', status500({ message: 'broken' })),
    failing('500 with an empty body', status500('')),
    failing('599', { reply: { status: 599, body: 'odd' } }),
    failing('600', { reply: { status: 600, json: { a: 1 } } }),
    failing('999', { reply: { status: 999, json: { a: 1 } } }),
    failing('error 300 everywhere is tried again', status500(etcdError(300))),
    failing('error 301 everywhere is tried again', status500(etcdError(301))),
    failing('error 300 as text is not', status500(etcdError('300'))),
    failing('error 300 with status 503 is tried again', { reply: { status: 503, json: etcdError(300) } }),
    failing(
      'error 300 whose cause is the node',
      status500(etcdError(300, { cause: 'nodePath /1/k : Not a file ()' })),
      {
        difference: 'refusal-300',
      },
    ),
    failing('error 300 of raft', status500(etcdError(300, { cause: 'etcdserver: request timed out' }))),
    failing('error 302 is not tried again', status500(etcdError(302))),
    failing('a lost leader is tried again', status500('Not current leader')),
    failing('a lost leader in JSON text is tried again', {
      reply: { status: 500, json: 'x: Not current leader, sorry' },
    }),
    failing('a lost leader in small letters is not', status500('not current leader')),
    failing('a lost leader in an object is not', status500({ message: 'Not current leader' })),
    failing('a lost leader in a list', { reply: { status: 500, json: ['Not current leader'] } }),
    failing('an election that ends', [status500(etcdError(301)), status500(etcdError(300))]),
    failing('an election that ends with an etcd error', [
      status500(etcdError(301)),
      { reply: json(etcdError(100), { status: 404 }) },
    ]),
    failing('an election that ends with another error', [status500(etcdError(301)), status500('broken')]),
    failing('another error, then an election', [status500('broken')], { fallback: status500(etcdError(301)) }),
    failing('the second host answers', [status500('broken')], { hosts: [HOST, HOST] }),
    failing('two hosts fail, all of it is listed', [status500('one'), { reply: { status: 502, body: 'two' } }], {
      hosts: [HOST, HOST],
    }),
    failing('an election on two hosts', status500(etcdError(301)), { hosts: [HOST, HOST] }),
    failing('one host in an election, one broken', [status500(etcdError(301))], {
      hosts: [HOST, HOST],
      fallback: status500('broken'),
    }),
    failing('a port where nobody listens', [], { hosts: '127.0.0.1:{refused}' }),
    failing('two ports where nobody listens', [], { hosts: ['127.0.0.1:{refused}', '127.0.0.1:{refused}'] }),
    failing('a port where nobody listens, by name', [], { hosts: 'localhost:{refused}' }),
    failing('a closed connection', { close: true }),
    failing('a reset connection', { reset: true }),
    failing('a connection closed once', [{ close: true }]),
    failing('a connection reset once', [{ reset: true }]),
    failing('a body cut short', { cut: { bytes: 5, json: { action: 'get' } } }),
    failing('a body without its first byte', { cut: { bytes: 0, json: { action: 'get' } } }),
    failing('a chunked body cut short', { cut: { bytes: 9, chunks: ['{"acti', 'on":1}'] } }),
    failing('a head cut short', { raw: 'HTTP/1.1 200 OK\r\nX-', after: 'close' }),
    failing('bytes that are not HTTP', { raw: 'hello\r\n\r\n', after: 'close' }, NOT_HTTP),
    failing('an odd status', { raw: 'HTTP/1.1 abc OK\r\n\r\n', after: 'close' }, NOT_HTTP),
    failing(
      'two content lengths',
      { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ', after: 'close' },
      NOT_HTTP,
    ),
    failing(
      'a bad chunk size',
      { raw: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', after: 'close' },
      { ...NOT_HTTP, expected: { ...NOT_HTTP.expected, codes: ['HPE_INVALID_CHUNK_SIZE'] } },
    ),
    failing('a name that does not exist', [], { hosts: 'does-not-exist.invalid:1' }),
    failing('a write is sent again after a reset', undefined, {
      steps: [{ reset: true }],
      run: (_, { call }) => call('create', 'd', 'v'),
    }),
    failing('a write is sent again after a 500', undefined, {
      steps: [status500('broken')],
      hosts: [HOST, HOST],
      run: (_, { call }) => call('compareAndSwap', 'k', 'new', 'old'),
    }),
    // limits
    ...[0, 1, 2, 5].map((maxRetries) =>
      failing(`maxRetries: ${maxRetries}`, { close: true }, { call: ['get', 'k', { maxRetries }] }),
    ),
    ...[null, undefined, 1.5].map((maxRetries) =>
      failing(`maxRetries: ${maxRetries}`, { close: true }, { call: ['get', 'k', { maxRetries }] }),
    ),
    ...['1', -1].map((maxRetries) =>
      failing(
        `maxRetries: ${JSON.stringify(maxRetries)}`,
        { close: true },
        { call: ['get', 'k', { maxRetries }], difference: 'bad-arguments', expected: { wire: [] } },
      ),
    ),
    failing(
      'maxRetries of the client',
      { close: true },
      {
        options: { maxRetries: 1 },
        difference: 'client-max-retries',
        expected: { wire: Array(2).fill('GET /v2/keys/k') },
        theirs: { wire: Array(4).fill('GET /v2/keys/k') },
      },
    ),
    {
      name: 'what a token and its error tell in the end',
      hosts: [HOST, HOST],
      fallback: status500(etcdError(301)),
      run: (etcd) =>
        new Promise((resolve) => {
          const token = etcd.get('k', (err) => {
            const { retries, maxRetries, errors, servers } = token;
            resolve({ retries, maxRetries, servers, same: err.errors === errors, count: errors.length });
          });
        }),
    },
    {
      name: 'an entry of err.errors',
      fallback: status500({ a: 1 }, { headers: { 'X-Own': '1' } }),
      run: async (_, { call }) => {
        const [entry] = (await call('get', 'k')).arguments[0].errors;
        return [Object.keys(entry), entry, entry.timestamp instanceof Date, typeof entry.response];
      },
    },
    {
      name: 'the request of a response in err.errors',
      difference: 'request-objects',
      expected: { result: 'undefined' },
      fallback: status500({ a: 1 }),
      run: async (_, { call }) => typeof (await call('get', 'k')).arguments[0].errors[0].response.request,
    },
    {
      name: 'the error of a refused connection is an Error with its code',
      hosts: '127.0.0.1:{refused}',
      run: async (_, { call }) => {
        const { httperror } = (await call('get', 'k')).arguments[0].errors[0];
        return [httperror instanceof Error, Object.keys(httperror), String(httperror)];
      },
    },
    {
      name: 'the password of a host in an error',
      difference: 'password-shown',
      expected: { result: false },
      hosts: 'http://user:secret@127.0.0.1:{refused}',
      run: async (_, { call }) => JSON.stringify((await call('get', 'k')).arguments[0].errors).includes('secret'),
    },
    {
      name: 'a callback that throws is one uncaught exception, and is not called again',
      run: async (etcd, { call, received, sleep, uncaughtDuring }) => {
        let calls = 0;
        let other;
        const uncaught = await uncaughtDuring(async () => {
          etcd.get('k', () => {
            calls += 1;
            throw new Error('thrown by the callback');
          });
          await received(1);
          other = await call('get', 'other');
          await sleep(20);
        });
        return { uncaught, calls, other };
      },
    },
  ],
};
