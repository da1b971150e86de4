'use strict';

// The examples of the documents that need no server are run as they are written.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runScript } = require('../support/node-script');

const ROOT = path.join(__dirname, '..', '..');

/** Those that load the package and name a store in the process. */
function examplesOf(document) {
  const text = fs.readFileSync(path.join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
  return blocks.filter((code) => code.includes("'node-etcd-native'") && /memory[:(]/.test(code));
}

for (const [document, count] of [
  ['README.md', 4],
  ['docs/testing.md', 2],
]) {
  test(`the examples of ${document} on a store in the process print what they say`, async () => {
    const examples = examplesOf(document);
    assert.equal(examples.length, count);
    for (const code of examples) {
      const isModule = /^import /m.test(code);
      const options = { execArgv: isModule ? ['--input-type=module'] : [] };
      const { code: exitCode, stdout, stderr } = await runScript(code, options);
      assert.equal(exitCode, 0, `${code}\n${stderr}`);
      for (const [, said] of code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)) {
        assert.ok(stdout.split('\n').includes(said), `${code}\nprinted\n${stdout}`);
      }
    }
  });
}
