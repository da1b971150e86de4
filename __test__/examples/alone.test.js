'use strict';

// The programs of examples/ without an argument: each plays all parts itself, on a store in its own process, and ends.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { runScript } = require('../support/node-script');

const EXAMPLES = path.join(__dirname, '..', '..', 'examples');

/** What each prints; where several work side by side, in any order. */
const PRINTS = {
  'quick-start.js': /^\/quick-start\/color is red\n.*red became green\ncleaned up\n$/,
  'live-configuration.js':
    /^log-level is info\nrequests-per-second is 100\nlog-level is now debug\nrequests-per-second is now 50\nlog-level is now info\n$/,
  'leader-election.js': /^there is no leader\n(?=[\s\S]*ann leads, term \d+\n)(?=[\s\S]*bob leads, term \d+\n)/,
  'lock.js': /^(\w+ makes it \d+, with fence \d+\n){9}\w+ makes it 10, with fence \d+\n$/,
  'service-registry.js':
    /^services: none\n(.*\n)*services: web-1 at 10\.0\.0\.1:80, web-2 at 10\.0\.0\.2:80\n(.*\n)*services: none\n$/,
  'work-queue.js': /^((ann|bob) has done (one|two|three|four)\n){4}$/,
};
/** What others stand on; it prints nothing. */
const PARTS = ['live-directory.js'];

describe('without a server', () => {
  for (const [name, expected] of Object.entries(PRINTS)) {
    test(`examples/${name} runs, says what it does, and ends`, async () => {
      const { code, stdout, stderr } = await runScript(path.join(EXAMPLES, name));
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, expected);
    });
  }
});

test('examples/README.md names each program, and each one is run here', () => {
  const programs = fs.readdirSync(EXAMPLES).filter((name) => name.endsWith('.js'));
  assert.deepEqual(programs.sort(), [...Object.keys(PRINTS), ...PARTS].sort());
  const text = fs.readFileSync(path.join(EXAMPLES, 'README.md'), 'utf8');
  for (const name of programs) assert.ok(text.includes(`](${name})`), name);
});
