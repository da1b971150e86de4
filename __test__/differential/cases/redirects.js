'use strict';

// Replies that send the client elsewhere.

const { readFileSync } = require('node:fs');

const METHODS = ['GET', 'PUT', 'POST', 'DELETE'];
const moved = (status, location, headers) => ({
  reply: { status, headers: { Location: location, ...headers }, body: 'moved' },
});
const all = async (_, { call }) => {
  const outcomes = [];
  for (const method of METHODS)
    outcomes.push(await call('raw', method, 'from', method === 'GET' ? undefined : 'v', { x: 1 }));
  return outcomes;
};

const KEPT = { difference: 'redirects', expected: { methods: METHODS.flatMap((method) => [method, method]) } };
const to = (name, status, location, rest) => ({
  name,
  steps: [{ match: '/from', times: 4, ...moved(status, location) }],
  run: all,
  ...rest,
});

const AUTH = { user: 'user', pass: 'secret' };
const toOther = (name, status, location, rest) => ({
  name,
  servers: { a: { steps: [moved(status, location)] } },
  call: ['get', 'k'],
  ...rest,
});

const SECURE = 'https://127.0.0.1:{s}';
const PLAIN = 'http://127.0.0.1:{a}';
/** From a server to another, with TLS or without, as somebody with a password. */
const between = (name, hosts, from, location, rest) => ({
  name,
  hosts,
  options: (fill) => ({ auth: AUTH, ca: readFileSync(fill('{certificates}/ca.pem')) }),
  servers: { [from]: { steps: [moved(307, location)] } },
  run: async (_, { call }) => call('set', 'k', 'v', { maxRetries: 0 }),
  ...rest,
});
const UNSAFE = { difference: 'redirects', expected: { codes: ['ERR_UNSAFE_REDIRECT'], methods: ['PUT'] } };

const WITHHELD = { difference: 'redirect-credentials' };

const KEY_METHODS = ['GET', 'GET', 'PUT', 'PUT', 'DELETE', 'DELETE'];
const keyMoved = (status, rest) => ({
  name: `a key is redirected with ${status}`,
  steps: [{ match: /from/, times: 3, ...moved(status, '/v2/keys/to') }],
  run: async (_, { call }) => [
    await call('get', 'from'),
    await call('set', 'from', 'v', { ttl: 5 }),
    await call('del', 'from'),
  ],
  ...rest,
});

module.exports = {
  title: 'redirects',
  needs: ['b', 'c', 's', 'p384'],
  cases: [
    to('301', 301, '/to', KEPT),
    to('302', 302, '/to', KEPT),
    to('303', 303, '/to'),
    to('307', 307, '/to'),
    to('308', 308, '/to', KEPT),
    ...[300, 304, 305, 306, 309].map((status) => to(`${status}`, status, '/to', KEPT)),
    to('an absolute location', 307, 'http://127.0.0.1:{a}/to'),
    to('a location with a query', 307, '/to?y=2'),
    to('a relative location', 307, 'to/../there'),
    to('a location without scheme', 307, '//127.0.0.1:{a}/to'),
    to('a location with a fragment', 307, '/to#part'),
    to('a location with a space', 307, '/to there'),
    to('another port', 307, 'http://127.0.0.1:{c}/to'),
    to('a location that is no URL', 307, 'http://', { difference: 'error-words' }),
    to('another scheme', 307, 'ftp://127.0.0.1/to', { difference: 'error-words' }),
    to('an empty location', 307, ''),
    {
      name: 'HEAD stays HEAD',
      steps: [301, 302, 303, 307, 308].map((status) => ({ match: '/from', ...moved(status, '/to') })),
      run: async (_, { call }) => {
        const outcomes = [];
        for (let i = 0; i < 5; i++) outcomes.push(await call('raw', 'HEAD', 'from', undefined, {}));
        return outcomes;
      },
    },
    keyMoved(301, { difference: 'redirects', expected: { methods: KEY_METHODS } }),
    keyMoved(302, { difference: 'redirects', expected: { methods: KEY_METHODS } }),
    keyMoved(307),
    keyMoved(308, { difference: 'redirects', expected: { methods: KEY_METHODS } }),
    {
      name: 'a leader that is elsewhere',
      servers: { a: { fallback: moved(307, 'http://localhost:{b}/v2/keys/k?ttl=5') } },
      run: async (_, { call }) => [await call('set', 'k', 'v', { ttl: 5 }), await call('get', 'k')],
    },
    { name: 'ten redirects are followed', steps: [...Array(10)].map((_, i) => moved(307, `/${i}`)), call: ['version'] },
    { name: 'eleven are not', steps: [...Array(11)].map((_, i) => moved(307, `/${i}`)), call: ['version'] },
    { name: 'a loop ends with an error', fallback: moved(302, '/loop'), call: ['version'] },
    {
      name: 'after a loop comes the next host',
      hosts: ['127.0.0.1:{a}', '127.0.0.1:{a}'],
      steps: [...Array(11)].map(() => moved(302, '/loop')),
      call: ['version'],
    },
    {
      name: 'a redirect to an error',
      steps: [moved(302, '/to')],
      fallback: { reply: { status: 500, body: 'broken' } },
      call: ['version'],
    },
    { name: 'a redirect to nowhere', steps: [moved(302, 'http://127.0.0.1:{refused}/')], call: ['version'] },
    ...[302, 307].flatMap((status) => [
      toOther(`${status} to another port with credentials`, status, 'http://127.0.0.1:{c}/to', {
        options: { auth: AUTH },
      }),
      toOther(`${status} to another port with an authorization header`, status, 'http://127.0.0.1:{c}/to', {
        options: { headers: { authorization: 'Token x' } },
      }),
      toOther(`${status} to another port with a password in the host`, status, 'http://127.0.0.1:{c}/to', {
        hosts: 'http://user:secret@127.0.0.1:{a}',
      }),
      toOther(`${status} to another name without credentials`, status, 'http://localhost:{b}/to'),
      toOther(`${status} to another name with headers of our own`, status, 'http://localhost:{b}/to', {
        options: { headers: { 'x-own': '1' } },
      }),
    ]),
    ...Object.entries({
      credentials: { options: { auth: AUTH } },
      'an authorization header': { options: { headers: { authorization: 'Token x' } } },
      'a password in the host': { hosts: 'http://user:secret@127.0.0.1:{a}' },
      'a token': { options: { auth: { bearer: 'x' } } },
    }).flatMap(([what, rest]) => [
      // A change of method costs node-etcd's requests their authorization, too.
      toOther(`302 to another name with ${what}`, 302, 'http://localhost:{b}/to', rest),
      toOther(`307 to another name with ${what}`, 307, 'http://localhost:{b}/to', { ...rest, ...WITHHELD }),
    ]),
    toOther('a cookie and another host name in the headers', 307, 'http://localhost:{b}/to', {
      options: { headers: { cookie: 'a=b', host: 'other.example' } },
      ...WITHHELD,
    }),
    toOther('a password in the location', 307, 'http://new:word@localhost:{b}/to', WITHHELD),
    {
      name: 'credentials go to another host of the client',
      servers: {
        a: { fallback: moved(307, 'http://localhost:{b}/to') },
        b: { steps: [{ match: '/v2/keys/k', reply: { status: 500 } }] },
      },
      hosts: ['127.0.0.1:{a}', 'localhost:{b}'],
      options: { auth: AUTH },
      compares: ['result'], // whether {b} is asked first is a matter of chance
      run: async (_, { call, heads }) => {
        const { arguments: args } = await call('get', 'k');
        const authorization = (await heads('b')).map(
          (head) => head.find(([name]) => /^authorization$/i.test(name))?.[1],
        );
        return [args[1], authorization.at(-1)];
      },
    },
    between('from https to another https port', SECURE, 's', 'https://127.0.0.1:{p384}/to'),
    between('from https to http', SECURE, 's', `${PLAIN}/to`, { ...UNSAFE, theirs: { methods: ['PUT', 'PUT'] } }),
    between('from http to https', PLAIN, 'a', `${SECURE}/to`, { ...UNSAFE, theirs: { methods: ['PUT', 'PUT'] } }),
    between('from http to https, with an https host in the list', [PLAIN, PLAIN, SECURE], 'a', `${SECURE}/to`, {
      // Whichever host is asked first, the write ends at {s}.
      run: async (_, { call, heads }) => {
        const { arguments: args } = await call('set', 'k', 'v', { maxRetries: 0 });
        return [args[0], args[1], (await heads('s')).length];
      },
      compares: ['result'],
    }),
    {
      name: 'the Referer',
      hosts: 'http://user:secret@127.0.0.1:{a}',
      steps: [moved(307, '/to')],
      run: async (_, { call, heads }) => {
        await call('get', 'k');
        return (await heads()).map((head) => head.find(([name]) => /^referer$/i.test(name))?.[1]);
      },
      difference: 'redirect-credentials',
      expected: { result: [undefined, undefined] },
      theirs: { result: [undefined, 'http://user:secret@127.0.0.1:{a}/v2/keys/k'] },
    },
    {
      name: 'cookies are not kept',
      steps: [moved(307, '/to', { 'Set-Cookie': 'a=b; Path=/' })],
      run: async (_, { call }) => [await call('version'), await call('version')],
    },
  ],
};
