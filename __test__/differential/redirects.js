'use strict';

// Replies that send the client elsewhere.

const METHODS = ['GET', 'PUT', 'POST', 'DELETE'];
const moved = (status, location, headers) => ({ reply: { status, headers: { Location: location, ...headers }, body: 'moved' } });
const all = async (_, { call }) => {
  const outcomes = [];
  for (const method of METHODS) outcomes.push(await call('raw', method, 'from', method === 'GET' ? undefined : 'v', { x: 1 }));
  return outcomes;
};

const to = (name, status, location, rest) => ({
  name,
  steps: [{ match: '/from', times: 4, ...moved(status, location) }],
  run: all,
  ...rest,
});

const AUTH = { user: 'user', pass: 'secret' };
const toOther = (name, status, location, rest) => ({
  name,
  servers: { a: { steps: [moved(status, location)] }, b: {} },
  call: ['get', 'k'],
  ...rest,
});

module.exports = {
  title: 'redirects',
  cases: [
    to('301', 301, '/to'),
    to('302', 302, '/to'),
    to('303', 303, '/to'),
    to('307', 307, '/to'),
    to('308', 308, '/to'),
    to('300', 300, '/to'),
    to('304', 304, '/to'),
    to('305', 305, '/to'),
    to('306', 306, '/to'),
    to('309', 309, '/to'),
    to('an absolute location', 307, 'http://127.0.0.1:{a}/to'),
    to('a location with a query', 307, '/to?y=2'),
    to('a relative location', 307, 'to/../there'),
    to('a location without scheme', 307, '//127.0.0.1:{a}/to'),
    to('a location with a fragment', 307, '/to#part'),
    to('a location with a space', 307, '/to there'),
    to('another port', 307, 'http://127.0.0.1:{b}/to'),
    to('a location that is no URL', 307, 'http://'),
    to('another scheme', 307, 'ftp://127.0.0.1/to'),
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
    ...[301, 302, 307, 308].map((status) => ({
      name: `a key is redirected with ${status}`,
      steps: [{ match: /from/, times: 3, ...moved(status, '/v2/keys/to') }],
      run: async (_, { call }) => [
        await call('get', 'from'),
        await call('set', 'from', 'v', { ttl: 5 }),
        await call('del', 'from'),
      ],
    })),
    {
      name: 'a leader that is elsewhere',
      servers: { a: { fallback: moved(307, 'http://localhost:{b}/v2/keys/k?ttl=5') }, b: {} },
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
    { name: 'a redirect to an error', steps: [moved(302, '/to')], fallback: { reply: { status: 500, body: 'broken' } }, call: ['version'] },
    { name: 'a redirect to nowhere', steps: [moved(302, 'http://127.0.0.1:{refused}/')], call: ['version', ] },
    ...[302, 307].flatMap((status) => [
      toOther(`${status} to the same name and another port with credentials`, status, 'http://127.0.0.1:{b}/to', {
        servers: { a: { steps: [moved(status, 'http://127.0.0.1:{a}/to')] } },
        options: { auth: AUTH },
      }),
      toOther(`${status} to another name with credentials`, status, 'http://localhost:{b}/to', { options: { auth: AUTH } }),
      toOther(`${status} to another name with an authorization header`, status, 'http://localhost:{b}/to', {
        options: { headers: { authorization: 'Token x' } },
      }),
      toOther(`${status} to another name with a password in the host`, status, 'http://localhost:{b}/to', {
        hosts: 'http://user:secret@127.0.0.1:{a}',
      }),
      toOther(`${status} to another name with a token`, status, 'http://localhost:{b}/to', { options: { auth: { bearer: 'x' } } }),
      toOther(`${status} to another configured host with credentials`, status, 'http://localhost:{b}/to', {
        hosts: ['127.0.0.1:{a}', '127.0.0.1:{a}'],
        options: { auth: AUTH },
      }),
      toOther(`${status} with own headers`, status, 'http://localhost:{b}/to', {
        options: { headers: { 'x-own': '1', cookie: 'a=b', host: 'other.example' } },
      }),
      toOther(`${status} to a location with a password`, status, 'http://new:word@localhost:{b}/to'),
    ]),
    {
      name: 'cookies are not kept',
      steps: [moved(307, '/to', { 'Set-Cookie': 'a=b; Path=/' })],
      run: async (_, { call }) => [await call('version'), await call('version')],
    },
  ],
};
