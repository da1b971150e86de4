'use strict';

// Proxies: which requests go to one, and how. {c} is the proxy for http, {tunnel} the one for https.

const PROXY = 'http://127.0.0.1:{c}';
const TUNNEL = 'http://127.0.0.1:{tunnel}';
const SECURE = 'https://127.0.0.1:{s}';
const { readFileSync } = require('node:fs');

/** Whether the proxy is asked; what becomes of it otherwise depends on what names this machine can look up. */
const DIRECT_OR_NOT = {
  hosts: 'http://etcd.example:1',
  call: undefined,
  run: (_, { call, within }) => within(1000, call('get', 'k', { maxRetries: 0 })),
  compares: ['wire'],
};
const proxied = (name, env, rest) => ({ name, env, call: ['get', 'k'], ...rest });
const option = (name, options, rest) => ({
  name,
  options: (fill) => Object.fromEntries(Object.entries(options).map(([key, value]) => [key, fill(value)])),
  call: ['get', 'k'],
  ...rest,
});
const trusting = (options) => (fill) => ({
  ca: readFileSync(fill('{certificates}/ca.pem')),
  ...Object.fromEntries(Object.entries(options ?? {}).map(([key, value]) => [key, fill(value)])),
});
const tunnelled = (name, env, rest) => ({ name, env, hosts: SECURE, options: trusting(), call: ['get', 'k'], ...rest });

module.exports = {
  title: 'proxies',
  needs: ['b', 'c', 's', 'tunnel'],
  cases: [
    proxied('HTTP_PROXY', { HTTP_PROXY: PROXY }),
    proxied('http_proxy', { http_proxy: PROXY }),
    proxied('the upper case counts first', { HTTP_PROXY: PROXY, http_proxy: 'http://127.0.0.1:{refused}' }),
    proxied('an empty HTTP_PROXY gives way', { HTTP_PROXY: '', http_proxy: PROXY }),
    proxied('HTTPS_PROXY is not for http', { HTTPS_PROXY: PROXY }),
    proxied('ALL_PROXY is nothing', { ALL_PROXY: PROXY, all_proxy: PROXY }),
    proxied('a slash at the end', { HTTP_PROXY: `${PROXY}/` }),
    proxied('a path', { HTTP_PROXY: `${PROXY}/some/path` }),
    proxied('a user and a password', { HTTP_PROXY: 'http://user:p%40ss@127.0.0.1:{c}' }),
    proxied('a user alone', { HTTP_PROXY: 'http://user@127.0.0.1:{c}' }, { difference: 'proxy-user' }),
    proxied(
      'a proxy without scheme',
      { HTTP_PROXY: '127.0.0.1:{c}' },
      {
        call: ['get', 'k', { maxRetries: 0 }],
        difference: 'bad-arguments',
        expected: { codes: ['ERR_INVALID_URL'], wire: [] },
        leaves: true,
      },
    ),
    // node-etcd's agents are what a proxy that speaks TLS leaves behind.
    proxied('a proxy that speaks TLS', { HTTP_PROXY: SECURE }, { options: trusting(), leaves: true }),
    proxied(
      'a proxy that speaks TLS, trusted by NODE_EXTRA_CA_CERTS',
      { HTTP_PROXY: SECURE },
      {
        startEnv: { NODE_EXTRA_CA_CERTS: '{certificates}/ca.pem' },
      },
    ),
    proxied(
      'a proxy that speaks TLS and is not trusted',
      { HTTP_PROXY: SECURE },
      {
        call: ['get', 'k', { maxRetries: 0 }],
        difference: 'tls-words',
        expected: { codes: ['UNABLE_TO_VERIFY_LEAF_SIGNATURE'] },
        theirs: { codes: ['UNABLE_TO_VERIFY_LEAF_SIGNATURE'] },
        leaves: true,
      },
    ),
    option(
      'the option with a proxy that speaks TLS',
      { proxy: SECURE },
      { options: trusting({ proxy: SECURE }), leaves: true },
    ),
    proxied('a proxy that is down', { HTTP_PROXY: 'http://127.0.0.1:{refused}' }),
    proxied('a proxy by name', { HTTP_PROXY: 'http://localhost:{b}' }),
    proxied(
      'a proxy that fails',
      { HTTP_PROXY: PROXY },
      {
        servers: { c: { fallback: { reply: { status: 502, body: 'bad gateway' } } } },
      },
    ),
    proxied(
      'a proxy that wants to know who is asking',
      { HTTP_PROXY: PROXY },
      {
        servers: { c: { fallback: { reply: { status: 407, body: 'who?' } } } },
        difference: 'not-etcd',
      },
    ),
    proxied(
      'a query, a body and a path in the host',
      { HTTP_PROXY: PROXY },
      {
        hosts: 'http://127.0.0.1:{a}/prefix/',
        call: ['set', 'k y', 'v', { ttl: 5 }],
      },
    ),
    proxied(
      'credentials of both',
      { HTTP_PROXY: 'http://user:secret@127.0.0.1:{c}' },
      {
        hosts: 'http://me:mine@127.0.0.1:{a}',
      },
    ),
    proxied('a Sync call', { HTTP_PROXY: PROXY }, { call: undefined, run: (_, { sync }) => sync('getSync', 'k') }),
    {
      name: 'the environment is read at each request',
      run: async (_, { call, places }) => {
        await call('get', 'direct');
        process.env.HTTP_PROXY = `http://127.0.0.1:${places.c}`;
        await call('get', 'proxied');
        delete process.env.HTTP_PROXY;
        await call('get', 'direct');
      },
    },
    ...[
      '*',
      'a,*',
      '127.0.0.1',
      ' 127.0.0.1 , other',
      'other.example,127.0.0.1',
      '127.0.0.1:{a}',
      '127.0.0.1:1',
      '.0.0.1',
      '0.0.1',
      '127.0.0.0/8',
      'localhost',
      '',
    ].map((list) => proxied(`NO_PROXY=${list}`, { HTTP_PROXY: PROXY, NO_PROXY: list })),
    ...['::1', '[::1]', '[::1]:1', '::1:1'].map((list) =>
      proxied(`NO_PROXY=${list} for [::1]`, { HTTP_PROXY: PROXY, NO_PROXY: list }, { hosts: 'http://[::1]:1' }),
    ),
    proxied('no_proxy', { HTTP_PROXY: PROXY, no_proxy: '127.0.0.1' }),
    proxied('NO_PROXY counts before no_proxy', { HTTP_PROXY: PROXY, NO_PROXY: 'other', no_proxy: '127.0.0.1' }),
    ...['localhost', 'LOCALHOST', '.localhost', 'host', 'x.localhost', 'localhost:{b}', 'localhost:1', '127.0.0.1'].map(
      (list) =>
        proxied(
          `NO_PROXY=${list} for localhost`,
          { HTTP_PROXY: PROXY, NO_PROXY: list },
          { hosts: 'http://localhost:{b}' },
        ),
    ),
    ...['example', '.example', 'etcd.example', 'cd.example', 'ETCD.Example', 'a.etcd.example', '*.example'].map(
      (list) => proxied(`NO_PROXY=${list} for etcd.example`, { HTTP_PROXY: PROXY, NO_PROXY: list }, DIRECT_OR_NOT),
    ),
    option('the option proxy', { proxy: PROXY }),
    option('the option beats the environment', { proxy: PROXY }, { env: { HTTP_PROXY: 'http://127.0.0.1:{refused}' } }),
    option('the option beats NO_PROXY', { proxy: PROXY }, { env: { NO_PROXY: '*' } }),
    option('the option with a password', { proxy: 'http://user:p%40ss@127.0.0.1:{c}' }),
    option('null as option', { proxy: null }, { env: { HTTP_PROXY: PROXY } }),
    option('an empty text as option', { proxy: '' }, { env: { HTTP_PROXY: PROXY } }),
    option('undefined as option', { proxy: undefined }, { env: { HTTP_PROXY: PROXY } }),
    option(
      'an option without scheme',
      { proxy: '127.0.0.1:{c}' },
      {
        difference: 'bad-arguments',
        expected: { thrown: 'ERR_INVALID_ARG_VALUE' },
      },
    ),
    option(
      'an option that is no text',
      { proxy: 5 },
      {
        difference: 'bad-arguments',
        expected: { thrown: 'ERR_INVALID_ARG_TYPE' },
      },
    ),
    option('tunnel: false for http', { proxy: PROXY, tunnel: false }),
    option(
      'tunnel: true for http',
      { proxy: TUNNEL, tunnel: true },
      {
        difference: 'tunnel',
        expected: { thrown: 'ERR_INVALID_ARG_VALUE', wire: [] },
      },
    ),
    proxied(
      'a redirect stays with the proxy',
      { HTTP_PROXY: PROXY },
      {
        servers: { c: { steps: [{ reply: { status: 307, headers: { Location: 'http://localhost:{b}/to' } } }] } },
      },
    ),
    proxied(
      'a redirect to another host with credentials for the proxy',
      { HTTP_PROXY: 'http://user:word@127.0.0.1:{c}' },
      {
        servers: { c: { steps: [{ reply: { status: 307, headers: { Location: 'http://localhost:{b}/to' } } }] } },
      },
    ),
    tunnelled('HTTPS_PROXY', { HTTPS_PROXY: TUNNEL }),
    tunnelled('https_proxy', { https_proxy: TUNNEL }),
    tunnelled('HTTP_PROXY is for https, too', { HTTP_PROXY: TUNNEL }),
    tunnelled('HTTPS_PROXY counts before HTTP_PROXY', {
      HTTPS_PROXY: TUNNEL,
      HTTP_PROXY: 'http://127.0.0.1:{refused}',
    }),
    tunnelled('NO_PROXY for https', { HTTPS_PROXY: TUNNEL, NO_PROXY: '127.0.0.1' }),
    tunnelled('a tunnel with a password', { HTTPS_PROXY: 'http://user:p%40ss@127.0.0.1:{tunnel}' }),
    proxied(
      'a header for the proxy',
      { HTTP_PROXY: PROXY },
      { options: { headers: { 'Proxy-Authorization': 'Basic dTpw' } } },
    ),
    tunnelled(
      'a header for the proxy, with a tunnel',
      { HTTPS_PROXY: TUNNEL },
      {
        options: (fill) => ({ ...trusting()(fill), headers: { 'Proxy-Authorization': 'Basic dTpw' } }),
      },
    ),
    tunnelled('a write through a tunnel', { HTTPS_PROXY: TUNNEL }, { call: ['set', 'k', 'v', { ttl: 5 }] }),
    tunnelled(
      'a refused tunnel',
      { HTTPS_PROXY: TUNNEL },
      { servers: { tunnel: { steps: [{ refuse: 403 }] } }, difference: 'tunnel-errors' },
    ),
    tunnelled(
      'a proxy that is down, for https',
      { HTTPS_PROXY: 'http://127.0.0.1:{refused}' },
      { difference: 'tunnel-errors' },
    ),
    tunnelled('the option proxy for https', {}, { options: trusting({ proxy: TUNNEL }) }),
    tunnelled('tunnel: true for https', {}, { options: trusting({ proxy: TUNNEL, tunnel: true }) }),
    tunnelled(
      'tunnel: false for https',
      {},
      {
        options: trusting({ proxy: TUNNEL, tunnel: false }),
        difference: 'tunnel',
        expected: { thrown: 'ERR_INVALID_ARG_VALUE', wire: [] },
      },
    ),
    tunnelled(
      'a Sync call through a tunnel',
      { HTTPS_PROXY: TUNNEL },
      {
        call: undefined,
        run: (_, { sync }) => sync('getSync', 'k'),
      },
    ),
  ],
};
