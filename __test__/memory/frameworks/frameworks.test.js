'use strict';

// The examples of docs/testing.md, each under the test runner that it is for.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, mock, test } = require('node:test');
const { cleanUp } = require('../../support/clean-up');
const { runScript } = require('../../support/node-script');

const ROOT = path.join(__dirname, '..', '..', '..');
const EXAMPLES = path.join(ROOT, 'examples', 'testing');
const TOOLS = path.join(__dirname, 'node_modules');
const JEST = path.join(TOOLS, 'jest', 'bin', 'jest.js');
const MOCHA = path.join(TOOLS, 'mocha', 'bin', 'mocha.js');
const VITEST = path.join(TOOLS, 'vitest', 'vitest.mjs');

const example = (name) => path.join(EXAMPLES, name);
const jest = (folder, config, ...more) => ['--rootDir', folder, '--config', JSON.stringify(config), ...more];
const jestExample = (config) => jest(EXAMPLES, config, 'jest.test.js');
const vitestExample = (...more) => ['run', '--root', EXAMPLES, ...more, 'vitest.test.mjs'];

/** Runs the program of a test runner, which must be content, and gives what it printed. */
async function runTests(program, args, env = {}) {
  assert.ok(fs.existsSync(program), `${program} is not there: \`npm test\` installs it`);
  const options = {
    args,
    env: { NODE_PATH: TOOLS, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
    timeoutMs: 120_000,
  };
  const { code, stdout, stderr } = await runScript(program, options);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  return `${stdout}\n${stderr}`;
}

describe('the example', () => {
  test('for node:test passes', async () => {
    const output = await runTests(example('node-test.test.js'), []);
    assert.match(output, /^(# |ℹ )pass 4$/m);
    assert.match(output, new RegExp(`^(# |ℹ )skipped ${mock.timers ? 0 : 1}$`, 'm'));
  });

  test('for mocha passes', async () => {
    assert.match(await runTests(MOCHA, [example('mocha.test.js')]), /4 passing/);
  });

  test('for jest passes', async () => {
    assert.match(await runTests(JEST, jestExample({ transform: {} })), /Tests: +4 passed, 4 total/);
  });

  test('for jest passes with fake timers everywhere, but for nextTick', async () => {
    const fakeTimers = { enableGlobally: true, doNotFake: ['nextTick'] };
    assert.match(await runTests(JEST, jestExample({ transform: {}, fakeTimers })), /Tests: +4 passed, 4 total/);
  });

  test('for jest leaves nothing open but what napi-rs registers for itself', async () => {
    const output = await runTests(JEST, [...jestExample({ transform: {} }), '--detectOpenHandles']);
    assert.deepEqual(
      [...output.matchAll(/● +(\S+)/g)].map(([, handle]) => handle),
      ['CustomGC'],
    );
  });

  for (const pool of ['forks', 'threads', 'vmThreads']) {
    test(`for vitest passes with its pool ${pool}`, async () => {
      assert.match(await runTests(VITEST, vitestExample('--pool', pool)), /Tests +4 passed \(4\)/);
    });
  }
});

describe('files of tests for jest', () => {
  /** What each of two files saw in the store, and in which process. */
  async function reports(...more) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-jest-'));
    cleanUp(() => fs.rmSync(folder, { recursive: true }));
    const config = { testMatch: ['**/*.jest.js'], transform: {}, cacheDirectory: path.join(folder, 'cache') };
    const report = path.join(folder, 'report');
    await runTests(JEST, jest(path.join(__dirname, 'programs'), config, ...more), { REPORT: report });
    const lines = fs.readFileSync(report, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  }

  test('share the store in one process', async () => {
    const [first, second] = await reports('--runInBand');
    assert.deepEqual([first.pid, first.seen.length], [second.pid, 1]);
    assert.deepEqual(second.seen, ['/files/one.jest.js', '/files/two.jest.js']);
  });

  test('have a store for each process', async () => {
    const [first, second] = await reports('--maxWorkers=2');
    assert.notEqual(first.pid, second.pid);
    assert.deepEqual([first.seen.length, second.seen.length], [1, 1]);
  });
});

test('docs/testing.md shows what the examples hold', () => {
  const text = fs.readFileSync(path.join(ROOT, 'docs', 'testing.md'), 'utf8');
  const blocks = [...text.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g)];
  assert.ok(blocks.length >= 4, `${blocks.length} blocks`);
  for (const [, file, code] of blocks) {
    assert.ok(fs.readFileSync(example(file), 'utf8').includes(code), `${file} does not hold:\n${code}`);
  }
});
