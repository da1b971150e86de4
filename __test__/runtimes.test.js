'use strict';

// The features that scripts/runtimes.js tries under all runtimes, here under this one.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { FEATURES } = require('./runtimes/features.cjs');
const { runFeature, startServers } = require('./support/features');

let servers;
before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

describe('works, and the process ends', () => {
  for (const name of Object.keys(FEATURES)) {
    test(name, async () => {
      assert.equal(await runFeature([process.execPath], name, servers.env), undefined);
    });
  }
});
