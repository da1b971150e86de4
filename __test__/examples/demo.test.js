'use strict';

// npm run demo, but for the build that it begins with.

const assert = require('node:assert/strict');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { text } = require('node:stream/consumers');
const { describe, test } = require('node:test');
const Etcd = require('../..');
const { findEtcdV3 } = require('../../scripts/etcd');
const { cleanUp, keep } = require('../support/clean-up');
const { freePort, startEtcd } = require('../support/etcd');
const { runScript } = require('../support/node-script');

const ROOT = path.join(__dirname, '..', '..');
const DEMO = path.join(ROOT, 'scripts', 'demo.js');

/** Runs the demo as its command line does, once the addon is built. */
const source = (options) => `
  const { main } = require('./scripts/command');
  main(() => require('./scripts/demo/tour').demo(${JSON.stringify(options)}));`;
const run = (options) => runScript(source(options), { timeoutMs: 60_000 });

/** What it printed, which must be all of it. */
async function walked(options) {
  const { code, stdout, stderr } = await run(options);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /\nAll of that took \d+\.\d s\.\n$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is no terminal
  assert.doesNotMatch(stdout, /\u001b/);
  return { stdout, stderr };
}

describe('the demo', () => {
  test('walks over a store in its process', async () => {
    const { stdout, stderr } = await walked({});
    assert.match(stdout, /The store: a store in this process, which answers as an etcd 3\.4\.\d+\n/);
    assert.match(stdout, /2000 events, each once and in order/);
    assert.match(stdout, /What tests of programs do/);
    assert.equal(stderr, '');
  });

  test('walks over an etcd by the v2 API, and leaves nothing there', async () => {
    const server = keep(await startEtcd());
    const { stdout } = await walked({ etcd: server.host });
    assert.ok(stdout.includes(`The store: etcd ${server.version} at ${server.host}, by its v2 API\n`));
    assert.match(stdout, /curl http:.*\/v2\/keys\/demo-\S+\n(.*\n)* +\/greeting +hello\n/);
    assert.equal((await new Etcd(server.host).get('/')).node.nodes, undefined);
  });

  for (const api of ['v3', 'v3-json']) {
    test(`walks over an etcd by the API ${api}, and leaves nothing there`, async () => {
      const server = keep(await startEtcd({ etcd: findEtcdV3() }));
      const { stdout } = await walked({ etcd: server.host, api });
      assert.match(stdout, new RegExp(`by its v3 API${api === 'v3-json' ? ' in JSON' : ''}\n`));
      assert.match(stdout, /etcdctl get --prefix .*\n(.*\n)* +\/greeting +hello\n/);
      assert.equal((await new Etcd(server.host, { api }).get('/')).node.nodes, undefined);
    });
  }

  test('walks over an etcd that it starts, and that ends with it', async () => {
    const { stdout, stderr } = await walked({ v3: true });
    assert.match(stdout, /The store: etcd 3\.\d+\.\d+ at 127\.0\.0\.1:\d+, by its v3 API\n/);
    const [, pid] = /, process (\d+)\n/.exec(stderr);
    assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  });

  test('says in one line that nobody answers, and no password', async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await run({ etcd: `http://me:secret@127.0.0.1:${port}` });
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(stderr, `\nError: http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`);
  });

  test('says in one line that an etcd has no v2 API', async () => {
    const server = keep(await startEtcd({ etcd: findEtcdV3() }));
    const { code, stdout, stderr } = await run({ etcd: server.host });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^\nError: 127\.0\.0\.1:\d+: .*v3.*\n$/);
  });
});

describe('wrong arguments of the demo are told in one line, before anything is built:', () => {
  for (const [args, complaint] of [
    [['--etdc', 'h'], "Unknown option '--etdc'"],
    [['127.0.0.1:2379'], /Unexpected argument/],
    [['--etcd'], /--etcd.* argument missing/],
    [['--etcd='], '--etcd needs a HOST:PORT'],
    [['--api', 'v3'], '--api goes with --etcd'],
    [['--etcd', 'h', '--api', 'v4'], '--api is v2, v3, v3-json, and not "v4"'],
    [['--v3', '--etcd', 'h'], '--v3 starts an etcd of its own: --etcd does not go with it'],
  ]) {
    test(args.join(' '), async () => {
      const { code, stdout, stderr } = await runScript(DEMO, { args });
      assert.deepEqual([code, stdout], [1, '']);
      const [, told] = /^\nError: (.*)\. Usage: npm run demo -- .*\n$/.exec(stderr) ?? assert.fail(stderr);
      if (typeof complaint === 'string') assert.equal(told, complaint);
      else assert.match(told, complaint);
    });
  }
});

// `script` of util-linux gives a command a terminal of its own.
describe('on a terminal the demo', { skip: process.platform !== 'linux' }, () => {
  async function onTerminal(more) {
    // Nothing else: Node asks many variables about colours, CI among them.
    const { PATH, HOME } = process.env;
    const child = spawn('script', ['-qec', `'${process.execPath}' -e "$SOURCE"`, '/dev/null'], {
      cwd: ROOT,
      env: { PATH, HOME, TERM: 'xterm-256color', SOURCE: source({}), ...more },
    });
    cleanUp(() => child.kill('SIGKILL'));
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    assert.equal(code, 0, printed);
    return printed;
  }

  test('has colours', async () => {
    const printed = await onTerminal({});
    assert.ok(printed.includes("\u001b[36mawait etcd.get('greeting')"), printed);
    assert.ok(printed.includes('\u001b[32mhello\u001b[39m'), printed);
    assert.ok(printed.includes('\u001b[31mKey not found (100)\u001b[39m'), printed);
  });

  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    test(`has none with ${Object.entries(env)[0].join('=')}`, async () => {
      const printed = await onTerminal(env);
      assert.match(printed, /await etcd\.get\('greeting'\) +hello\r\n/);
      assert.ok(!printed.includes('\u001b'), printed);
    });
  }
});
