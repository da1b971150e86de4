'use strict';

// The commands of the README and docs/moving-to-v3.md, run as they are written, by a shell in a project that has the
// package. Only their hosts are others.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('../support/test');
const { cleanUp } = require('../support/clean-up');
const { COMMAND } = require('../support/cli-process');
const { findEtcdV3 } = require('../../scripts/etcd');
const { withEtcd } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { contents, fill } = require('../support/sample-tree');

const ROOT = path.join(__dirname, '..', '..');
// It is a shell that they are written for.
const skip = process.platform === 'win32';

const old = withEtcd();
const fresh = withEtcd({ etcd: findEtcdV3() });
const hosts = () => ({
  'old.example:2379': old.host,
  'new.example:2379': fresh.host,
  'etcd.example:2379': old.host,
  '127.0.0.1:2379': fresh.host,
});

/** The commands of the package in the blocks for a shell. */
function commandsOf(file) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, block]) => block);
  return blocks
    .flatMap((block) => block.split('\n').map((line) => line.trim()))
    .filter((line) => /^npx node-etcd-native /.test(line));
}

/** A folder in which npx finds the command. */
function makeProject() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-project-'));
  cleanUp(() => fs.rmSync(folder, { recursive: true }));
  const bin = path.join(folder, 'node_modules', '.bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.symlinkSync(COMMAND, path.join(bin, 'node-etcd-native'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{}');
  return folder;
}

/** Runs a command until it ends, or until it follows, and then interrupts it as Ctrl-C does. */
async function run(command, cwd) {
  const line = Object.entries(hosts()).reduce((text, [name, host]) => text.replaceAll(name, host), command);
  const child = spawn('sh', ['-c', `exec ${line}`], {
    cwd,
    detached: true,
    env: { ...process.env, npm_config_offline: 'true' },
  });
  cleanUp(() => child.exitCode ?? child.signalCode ?? process.kill(-child.pid, 'SIGKILL'));
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      printed[name] += text;
    });
  }
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  // npx ends by the signal, however the command ends that it has run.
  const isFollowing = command.includes('--follow');
  if (isFollowing) {
    await Promise.race([ended, waitUntil(() => /following/.test(printed.stderr), { timeoutMs: 60_000 })]);
    process.kill(-child.pid, 'SIGINT');
  }
  const how = await ended;
  assert.equal(how, isFollowing ? 'SIGINT' : 0, `${line}\n${printed.stdout}${printed.stderr}`);
}

/** Without times to live, as those go on. */
const valuesOf = async (etcd) => (await contents(etcd, '/app')).map(([key, value]) => [key, value]);

test('the documented commands run as they are written', { skip, timeout: 120_000 }, async () => {
  const [short, long] = ['README.md', 'docs/moving-to-v3.md'].map(commandsOf);
  assert.ok(short.length >= 2 && long.length >= 6, [...short, ...long].join('\n'));
  const commands = [...short, ...long];
  const [etcd, project] = [old.connect(), makeProject()];
  await fill(etcd, '/app');
  const before = await valuesOf(etcd);
  for (const command of commands) await run(command, project);
  assert.deepEqual(await valuesOf(fresh.connect({ api: 'v3' })), before);
  assert.deepEqual(await valuesOf(etcd), before);
});
