'use strict';

// Who is asking.

const as = (name, auth, rest) => ({
  name,
  options: { auth },
  run: async (_, { call }) => [await call('get', 'k'), await call('set', 'k', 'v')],
  ...rest,
});

const refused = (thrown, difference = 'bad-arguments') => ({ difference, expected: { thrown, wire: [] } });

module.exports = {
  title: 'auth',
  cases: [
    as('user and pass', { user: 'root', pass: 'secret' }),
    as('username and password', { username: 'root', password: 'secret' }),
    as('user and password', { user: 'root', password: 'secret' }),
    as('both names', { user: 'one', username: 'two', pass: 'three', password: 'four' }),
    as('a user without password', { user: 'root' }),
    as('an empty password', { user: 'root', pass: '' }),
    as('an empty user', { user: '', pass: 'secret' }),
    as('a colon in the password', { user: 'root', pass: 'a:b' }),
    as('characters beyond ASCII', { user: 'jürgen', pass: 'пароль' }),
    as('a token', { bearer: 'abc.def' }),
    as('an empty token', { bearer: '' }),
    as('a token and a user', { bearer: 'abc', user: 'root', pass: 'secret' }),
    as('sendImmediately: true', { user: 'root', pass: 'secret', sendImmediately: true }),
    as('undefined', undefined),
    as('null', null),
    as('user of undefined', { user: undefined, pass: undefined, bearer: 'x' }),
    as('beats the host', { user: 'root', pass: 'secret' }, { hosts: 'http://other:word@127.0.0.1:{a}' }),
    as('beats an authorization header', undefined, {
      options: { auth: { user: 'root', pass: 'secret' }, headers: { authorization: 'Token x' } },
    }),
    as('an authorization header beats the host', undefined, {
      hosts: 'http://other:word@127.0.0.1:{a}',
      options: { headers: { authorization: 'Token x' } },
    }),
    as('an Authorization header beats the host', undefined, {
      hosts: 'http://other:word@127.0.0.1:{a}',
      options: { headers: { Authorization: 'Token x' } },
    }),
    as('the password in a host goes with each try', undefined, {
      hosts: ['http://one:1@127.0.0.1:{a}', 'http://one:1@127.0.0.1:{a}'],
      steps: [{ close: true }],
    }),
    as('characters beyond ASCII in the host', undefined, { hosts: 'http://j%C3%BCrgen:%3A%2F@127.0.0.1:{a}' }),
    as('a Sync call', undefined, {
      options: { auth: { user: 'root', pass: 'secret' } },
      run: (_, { sync }) => sync('getSync', 'k'),
    }),
    as('nothing in it', {}, refused('ERR_INVALID_ARG_VALUE')),
    as('no user', { pass: 'secret' }, refused('ERR_INVALID_ARG_VALUE')),
    as('a user that is a number', { user: 5, pass: 'secret' }, refused('ERR_INVALID_ARG_TYPE')),
    as('a password that is a number', { user: 'root', pass: 5 }, refused('ERR_INVALID_ARG_TYPE')),
    as('a token that is a number', { bearer: 5 }, refused('ERR_INVALID_ARG_TYPE')),
    as('a token that is a function', { bearer: () => 'made' }, refused('ERR_INVALID_ARG_TYPE')),
    as('a text', 'root:secret', refused('ERR_INVALID_ARG_TYPE')),
    as('a misspelt field', { user: 'root', passwd: 'secret' }, refused('ERR_INVALID_ARG_VALUE', 'unknown-options')),
    as(
      'sendImmediately: false',
      { user: 'root', pass: 'secret', sendImmediately: false },
      {
        steps: [{ reply: { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } } }],
        ...refused('ERR_INVALID_ARG_VALUE', 'send-immediately'),
      },
    ),
    {
      name: 'a refusal is an error of etcd',
      options: { auth: { user: 'root', pass: 'wrong' } },
      fallback: {
        reply: {
          status: 401,
          json: {
            errorCode: 110,
            message: 'The request requires user authentication',
            cause: 'Insufficient credentials',
            index: 0,
          },
        },
      },
      call: ['get', 'k'],
    },
  ],
};
