'use strict';

// Hosts and how they are cleaned (semantics of the first argument of the constructor).

const listed = (hosts, rest) => ({
  name: `getHosts() of ${JSON.stringify(hosts)}`,
  hosts,
  run: (etcd) => [etcd.getHosts(), etcd.hosts],
  ...rest,
});

const works = (url) => ({ difference: 'hosts', expected: { result: [[url], [url]] } });
const REFUSED = { difference: 'bad-hosts', expected: { thrown: 'ERR_INVALID_ARG_VALUE' } };
const BAD_TYPE = { difference: 'bad-arguments', expected: { thrown: 'ERR_INVALID_ARG_TYPE' } };

const asked = (name, hosts, rest) => ({ name, hosts, call: ['get', 'k'], ...rest });

module.exports = {
  title: 'hosts',
  needs: ['b'],
  cases: [
    ...[
      'h:2379',
      'h',
      'http://h:2379',
      'http://h:2379/',
      'h:2379/',
      'http://h:80',
      'https://h:443',
      'https://h:443/',
      'https://h',
      'http://h:443',
      '127.0.0.1:4001',
      '[::1]:2379',
      'http://[::1]',
      'h:1/prefix',
      'h:1/prefix/',
      'h:1/a/b/',
      'user:secret@h:1',
      'user:p%40ss@h:1',
      'https://user:p%40ss@h:1/',
      'user@h:1',
      'etcd.example.com:2379',
      'Host.Example:1',
      ['h:1', 'h:2'],
      ['http://h:1/', 'https://h:2/'],
      ['h:1', 'h:1'],
      [],
    ].map((hosts) => listed(hosts)),
    listed('h:1//'),
    listed('ftp://h:1', REFUSED),
    listed('::1', works('http://[::1]')),
    listed('httpd-server:2379', works('http://httpd-server:2379')),
    listed('HTTPS://H:1', works('https://h:1')),
    listed('HTTP://h:1', works('http://h:1')),
    listed(' h:1 ', works('http://h:1')),
    ...['h:1?x=1', 'h:1#x', '', 'http://', 'h:port', 'h:99999'].map((hosts) => listed(hosts, REFUSED)),
    ...[5, { host: 'h' }, [5]].map((hosts) => listed(hosts, BAD_TYPE)),
    {
      name: 'no host is 127.0.0.1:2379',
      run: (_, { Etcd }) => [new Etcd(), new Etcd(null), new Etcd(undefined, null)].map((etcd) => etcd.getHosts()),
    },
    {
      name: 'a port as second argument',
      ...BAD_TYPE,
      theirs: { result: { returned: ['http://127.0.0.1'] } },
      run: (_, { Etcd, attempt }) => attempt(() => new Etcd('127.0.0.1', 4001).getHosts()),
    },
    {
      name: 'getHosts() gives a copy',
      hosts: ['h:1', 'h:2'],
      run: (etcd) => {
        etcd.getHosts().push('x');
        return etcd.getHosts();
      },
    },
    {
      name: 'the constructor without new',
      run: (_, { Etcd, attempt }) => 'thrown' in attempt(() => Etcd('h:1')),
    },
    asked('a host without scheme is asked by http', '127.0.0.1:{a}'),
    asked('a host by name', 'localhost:{b}'),
    asked('a path in the host comes before that of the request', '127.0.0.1:{a}/some/prefix/'),
    asked('user and password in the host are basic authentication', 'http://user:p%40ss@127.0.0.1:{a}'),
    asked('an IPv6 address where nobody listens', '[::1]:{refused}'),
    asked('an IPv6 address that no way leads to', '[fe80::1]:1', { difference: 'error-words' }),
    asked('an own address that cannot be had', '127.0.0.1:{a}', { options: { localAddress: '192.0.2.9' } }),
    asked('a user alone in the host', 'user@127.0.0.1:{a}'),
    asked('an empty list of hosts fails after all retries', []),
    asked('the next host is asked when one is down', ['127.0.0.1:{a}', '127.0.0.1:{a}'], { steps: [{ close: true }] }),
    {
      name: 'requests that follow one for which a host has failed',
      difference: 'hosts-rest',
      compares: ['result'],
      hosts: ['127.0.0.1:{a}', '127.0.0.1:{refused}'],
      run: async (etcd) => {
        const failures = () =>
          new Promise((resolve) => {
            const token = etcd.get('k', () => resolve(token.errors.length));
          });
        while ((await failures()) === 0);
        const counts = [];
        for (let i = 0; i < 40; i++) counts.push(await failures());
        return counts.some((count) => count > 0);
      },
      expected: { result: false },
      theirs: { result: true },
    },
    {
      name: 'all hosts are in the token, whatever their order',
      compares: ['result'],
      hosts: ['127.0.0.1:{a}', '127.0.0.1:{refused}', 'h:1/x'],
      run: (etcd) => {
        const token = etcd.get('k', () => {});
        token.abort();
        return [...token.servers].sort();
      },
    },
  ],
};
