'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { test } = require('../support/test');
const { cleanUp } = require('../support/clean-up');
const { COMMAND } = require('../support/cli');
const { freshPrefix, withEtcd } = require('../support/etcd');

const server = withEtcd();

// `script` of util-linux gives a command a terminal of its own.
const skip = process.platform !== 'linux';

/** What a command prints on a terminal with so many columns; `answers` are typed when what they answer has been printed. */
function onTerminal(args, { columns = 80, answers = [] } = {}) {
  const command = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null']);
  cleanUp(() => child.kill('SIGKILL'));
  let printed = '';
  const left = [...answers];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
    if (left.length > 0 && printed.includes(left[0].after)) child.stdin.write(left.shift().type);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed })));
}

const ask = (type) => [{ after: 'Password of me: ', type }];

test('a password is asked for, and not shown', { skip }, async () => {
  const answers = ask('secret-word\r');
  const { code, printed } = await onTerminal(['get', '/no/key', '--user', 'me', '--endpoints', server.host], {
    answers,
  });
  assert.equal(code, 3);
  assert.equal(printed, 'Password of me: \r\nnode-etcd-native: Key not found (/no)\r\n');
});

test('Ctrl-C instead of a password ends the command', { skip }, async () => {
  const answers = ask('\u0003');
  const { code, printed } = await onTerminal(['get', '/no/key', '--user', 'me', '--endpoints', server.host], {
    answers,
  });
  assert.equal(code, 130);
  assert.match(printed, /interrupted\r\n$/);
});

test('progress is one line, which fits a narrow window', { skip }, async () => {
  const key = freshPrefix();
  const etcd = server.connect();
  await Promise.all(Array.from({ length: 50 }, (_, i) => etcd.set(`${key}/d${i}/k`, 'v')));
  const sides = ['--from', server.host, '--to', server.host, '--to-api', 'v2'];
  const { code, printed } = await onTerminal(['copy', ...sides, key], { columns: 20 });
  assert.equal(code, 0, printed);
  const lines = printed.split('\r\n');
  assert.equal(lines.length, 2); // one, and the end of it
  assert.match(lines[0], /0 left, 101 keys/); // what matters most comes first
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they move the cursor
  const drawn = lines[0].split(/\u001b\[1G|\u001b\[0K/).filter((text) => text !== '');
  assert.ok(drawn.length > 0);
  assert.ok(
    drawn.every((text) => text.length < 20),
    printed,
  );
});

test('a terminal that does not know its width is taken for one of 80 columns', { skip }, async () => {
  const key = freshPrefix();
  await server.connect().set(`${key}/k`, 'v');
  const sides = ['--from', server.host, '--to', server.host, '--to-api', 'v2'];
  const { code, printed } = await onTerminal(['copy', ...sides, key], { columns: 0 });
  assert.equal(code, 0, printed);
  assert.match(printed, /0 left, 2 keys looked at \(\d+\/s\), 0 written/);
});
