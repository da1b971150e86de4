#!/usr/bin/env node
'use strict';

// npm run demo: a walk through the API from a fresh checkout, on a store in its own process.
//   npm run demo -- --v3                                    on an etcd 3.6, which it fetches and starts
//   npm run demo -- --etcd 127.0.0.1:2379                   on an etcd with the v2 API
//   npm run demo -- --etcd 127.0.0.1:2379 --api v3          on any etcd since 3.4; or --api v3-json

const { parseArgs } = require('node:util');
const { Failure, main, say } = require('./command');
const { ensureAddon, ensureDependencies } = require('./setup');

const USAGE = 'npm run demo -- [--v3 | --etcd HOST:PORT [--api v2|v3|v3-json]]';
const APIS = ['v2', 'v3', 'v3-json'];
const OPTIONS = { etcd: { type: 'string' }, api: { type: 'string' }, v3: { type: 'boolean' } };

/** What is wrong with the arguments, if something is. */
function complaintAbout({ etcd, api, v3 }) {
  if (v3 && etcd !== undefined) return '--v3 starts an etcd of its own: --etcd does not go with it';
  if (api !== undefined && etcd === undefined) return '--api goes with --etcd';
  if (api !== undefined && !APIS.includes(api)) return `--api is ${APIS.join(', ')}, and not "${api}"`;
  return etcd === '' ? '--etcd needs a HOST:PORT' : undefined;
}

/** What the command line says: { etcd, api, v3 }. */
function optionsOf(args) {
  let complaint;
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    complaint = complaintAbout(values);
    if (!complaint) return values;
  } catch (error) {
    [complaint] = error.message.split(/\. |\n/); // the rest tells how such a word could be meant after all
  }
  throw new Failure(`${complaint}. Usage: ${USAGE}`);
}

main(async () => {
  const options = optionsOf(process.argv.slice(2));
  ensureDependencies();
  ensureAddon();
  const { demo } = require('./demo/tour'); // which loads the addon
  await demo(options);
  if (!options.etcd && !options.v3)
    say('On an etcd 3.6: npm run demo -- --v3. On yours: npm run demo -- --etcd HOST:PORT [--api v3]');
});
